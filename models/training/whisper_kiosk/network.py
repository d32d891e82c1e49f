"""Whisper in PyTorch: transformers' parameter names and arithmetic, the "dead position" shortcut and a CTC head.

The shortcut is explained in `dimensions`. Tensors: b utterances, n tokens or positions, d = 192.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from whisper_kiosk.dimensions import (
    D_MODEL,
    DEAD,
    DECODER_LAYERS,
    ENCODER_LAYERS,
    FEED_FORWARD,
    HEADS,
    LIVE,
    MELS,
    TEXT_POSITIONS,
    VOCABULARY,
)

WIDTH = D_MODEL // HEADS
POSITION_SCALE = 0.1
"""A tenth of Whisper's: at full scale the position drowns the sound when training starts."""


def sinusoids(length: int) -> Tensor:
    """Whisper's position vectors, shape (length, d)."""
    rates = torch.exp(-math.log(10000) / (D_MODEL // 2 - 1) * torch.arange(D_MODEL // 2))
    angles = torch.arange(length)[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class Attention(nn.Module):
    """Multi-head attention whose projections are joined into one product."""

    def __init__(self) -> None:
        super().__init__()
        self.k_proj = nn.Linear(D_MODEL, D_MODEL, bias=False)
        self.q_proj = nn.Linear(D_MODEL, D_MODEL)
        self.v_proj = nn.Linear(D_MODEL, D_MODEL)
        self.out_proj = nn.Linear(D_MODEL, D_MODEL)

    def forward(self, x: Tensor, memory: Tensor | None, bias: Tensor) -> Tensor:
        """x (b, n, d) attends to memory (b, m, d), or to itself; `bias` is added to the scores."""
        b, n, _ = x.shape
        scale = WIDTH**-0.5
        zero = self.q_proj.bias.new_zeros(D_MODEL)
        q, k, v = self.q_proj, self.k_proj, self.v_proj
        if memory is None:
            weight = torch.cat([q.weight * scale, k.weight, v.weight])
            queries, keys, values = F.linear(x, weight, torch.cat([q.bias * scale, zero, v.bias])).split(D_MODEL, -1)
        else:
            weight = torch.cat([k.weight, v.weight])
            keys, values = F.linear(memory, weight, torch.cat([zero, v.bias])).split(D_MODEL, -1)
            queries = q(x) * scale
        scores = torch.baddbmm(
            bias.to(queries.dtype).expand(b * HEADS, n, -1), _by_head(queries), _by_head(keys).transpose(1, 2)
        ).softmax(-1, dtype=queries.dtype)
        heard = scores @ _by_head(values)
        joined: Tensor = self.out_proj(heard.view(b, HEADS, n, -1).transpose(1, 2).reshape(b, n, D_MODEL))
        return joined


def _by_head(x: Tensor) -> Tensor:
    b, n, _ = x.shape
    return x.view(b, n, HEADS, WIDTH).transpose(1, 2).reshape(b * HEADS, n, WIDTH)


class Layer(nn.Module):
    """One layer of the encoder, or with `cross` of the decoder."""

    def __init__(self, cross: bool) -> None:
        super().__init__()
        self.self_attn = Attention()
        self.self_attn_layer_norm = nn.LayerNorm(D_MODEL)
        if cross:
            self.encoder_attn = Attention()
            self.encoder_attn_layer_norm = nn.LayerNorm(D_MODEL)
        self.fc1 = nn.Linear(D_MODEL, FEED_FORWARD)
        self.fc2 = nn.Linear(FEED_FORWARD, D_MODEL)
        self.final_layer_norm = nn.LayerNorm(D_MODEL)

    def forward(
        self, x: Tensor, bias: Tensor, memory: Tensor | None = None, memory_bias: Tensor | None = None
    ) -> Tensor:
        """x (b, n, d) -> the same shape."""
        half = torch.bfloat16 if torch.is_autocast_enabled("cpu") else x.dtype
        x = x + self.self_attn(self.self_attn_layer_norm(x).to(half), None, bias)
        if memory is not None:
            x = x + self.encoder_attn(self.encoder_attn_layer_norm(x).to(half), memory, memory_bias)
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x).to(half))))


class Encoder(nn.Module):
    """Sound to memory."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, D_MODEL, 3, padding=1)
        self.conv2 = nn.Conv1d(D_MODEL, D_MODEL, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(Layer(cross=False) for _ in range(ENCODER_LAYERS))
        self.layer_norm = nn.LayerNorm(D_MODEL)

    def convolve(self, mel: Tensor) -> Tensor:
        """Features (b, 80, frames) -> (b, frames / 2, d)."""
        return F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)

    def attend(self, x: Tensor, bias: Tensor) -> Tensor:
        """Positions (b, n, d) -> memory of the same shape."""
        for layer in self.layers:
            x = layer(x, bias)
        memory: Tensor = self.layer_norm(x)
        return memory


class Decoder(nn.Module):
    """Memory and tokens so far to the next token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, D_MODEL)
        self.embed_positions = nn.Embedding(TEXT_POSITIONS, D_MODEL)
        self.layers = nn.ModuleList(Layer(cross=True) for _ in range(DECODER_LAYERS))
        self.layer_norm = nn.LayerNorm(D_MODEL)

    def forward(self, tokens: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """Tokens (b, n), memory (b, m, d), bias (m) -> logits (b, n, vocabulary)."""
        n = tokens.shape[1]
        x = self.embed_tokens(tokens) + self.embed_positions.weight[:n]
        causal = torch.full((n, n), -1e9).triu(1)
        for layer in self.layers:
            x = layer(x, causal, memory, bias)
        return F.linear(self.layer_norm(x), self.embed_tokens.weight)


class Stacks(nn.Module):
    """Encoder and decoder under the names that transformers gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()


class Whisper(nn.Module):
    """The whole network; `phones` is the number of phonemes of the CTC head, which no export contains."""

    positions: Tensor

    def __init__(self, phones: int) -> None:
        super().__init__()
        self.model = Stacks()
        self.dead = nn.Parameter(torch.randn(D_MODEL) * 0.1)
        self.ctc = nn.Linear(D_MODEL, phones + 1)
        self._initialise()
        self.model.decoder.embed_positions.weight.data = sinusoids(TEXT_POSITIONS) * POSITION_SCALE
        self.register_buffer("positions", sinusoids(LIVE) * POSITION_SCALE, persistent=False)

    def _initialise(self) -> None:
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.05)
        for module in self.modules():
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def encode(self, mel: Tensor, padded: bool = True) -> tuple[Tensor, Tensor]:
        """Features (b, frames, 80), zero padded -> memory and the bias of its positions.

        `padded`: the last position of the memory stands for all the padding up to 3000 frames. Otherwise the caller cut
        the window and nothing follows.
        """
        encoder = self.model.encoder
        x = encoder.convolve(mel.transpose(1, 2))
        x = x + self.positions[: x.shape[1]]
        bias = torch.zeros(x.shape[1] + padded)
        if padded:
            nothing = encoder.convolve(mel.new_zeros(1, MELS, 8))[:, 1:2] + self.dead
            x = torch.cat([x, nothing.expand(len(x), 1, D_MODEL)], 1)
            bias[-1] = math.log(DEAD)
        return encoder.attend(x, bias), bias

    def decode(self, tokens: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """Tokens (b, n) and what `encode` gave -> logits (b, n, vocabulary)."""
        logits: Tensor = self.model.decoder(tokens, memory, bias)
        return logits

    def exported(self) -> dict[str, Tensor]:
        """State dict for transformers' WhisperForConditionalGeneration."""
        state = {name: value.detach().clone() for name, value in self.state_dict().items() if name.startswith("model.")}
        dead = self.dead.detach().expand(DEAD, D_MODEL)
        state["model.encoder.embed_positions.weight"] = torch.cat([self.positions, dead])
        state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
        return state
