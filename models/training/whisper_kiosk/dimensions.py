"""Sizes of the model and of the audio window it reads.

Four things are specific to how faster-whisper and CTranslate2 run Whisper:

* `WhisperModel.transcribe` always pads the log-mel features to 3000 frames with zeros, whatever chunk_length says, so
  the encoder must own 1500 positions. chunk_length (preprocessor_config.json) only limits how much audio goes into one
  window; with chunk_length 10, frames 1000 to 2999 are always padding.
* So positions 500 to 1499 all get one shared ("dead") position vector. Constant input and a shared position give
  identical states in every layer, hence the 1000 dead positions equal one position whose attention score carries
  + log(1000). Training computes just that one: the exact 30 s layout at the cost of the real audio.
* A program that calls the model itself (`evaluation.transcribe_cut`) may encode fewer frames. Then the padding key is
  missing, which a model that always had it does not forgive. So the second stage of the training draws for every
  example: with the padding key, at the utterance's own length without it, or zero padded to at most 1000 frames without
  it (a batch is of one kind).
* suppress_blank bans generation_config.begin_suppress_tokens as first token. <|endoftext|> is left out of that list, so
  that noise can give an empty text.
"""

SAMPLE_RATE_HZ = 16000
MELS = 80
CHUNK_S = 10
"""Audio seconds in one window (preprocessor_config.json)."""
FRAMES = CHUNK_S * 100
"""Log-mel frames in one window."""
LIVE = CHUNK_S * 50
"""Encoder positions that may hold audio."""
POSITIONS = 1500
"""Encoder positions in all: faster-whisper pads to 3000 frames."""
DEAD = POSITIONS - LIVE
"""Encoder positions that hold padding only."""

D_MODEL = 192
HEADS = 3
FEED_FORWARD = 768
ENCODER_LAYERS = 4
DECODER_LAYERS = 2
TEXT_POSITIONS = 448

TEXT_VOCABULARY = 640
"""Byte-level BPE tokens."""
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
"""Tokens that follow the text ones, in Whisper's order; faster-whisper finds them by these names."""
FIRST_TIMESTAMP = TEXT_VOCABULARY + len(SPECIAL)
TIMESTAMPS = 1501
"""0.00 to 30.00 s in steps of 0.02 s."""
VOCABULARY = FIRST_TIMESTAMP + TIMESTAMPS
