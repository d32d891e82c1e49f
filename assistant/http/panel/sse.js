// Server-Sent Events (WHATWG HTML, 9.2) read from any answer: unlike EventSource this works for POST too, and sees the
// comments that tell a quiet connection from a dead one.

/**
 * Read `response` to its end. `onEvent(name, data, id)` gets each message, its data parsed as JSON; a message without
 * a name is called `message`. `onLife()` is called whenever anything came.
 */
export async function readEvents(response, onEvent, onLife = () => {}) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onLife();
    rest += decoder.decode(value, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) tell(block, onEvent);
  }
}

function tell(block, onEvent) {
  let name = "message";
  let id = null;
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }
  if (data.length) onEvent(name, JSON.parse(data.join("\n")), id);
}
