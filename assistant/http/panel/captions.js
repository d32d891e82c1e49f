// One turn as it is spoken: what the customer said, and the answer's sentences, the one that is just heard marked.

/**
 * Keeps the captions of the current turn from event lines. `onChange(captions)` gets
 * `{turn, customer, language, sentences: [{text, state: "written"|"spoken"|"said"}], over, interrupted, no_speech}`.
 */
export function captions(onChange) {
  let now = fresh(0);
  const take = (line) => {
    const before = now;
    if (line.turn !== now.turn && line.event !== "listening") now = fresh(line.turn);
    const change = CHANGES[line.event];
    if (!change && before === now) return;
    change?.(now, line);
    onChange(now);
  };
  return { take, get now() { return now; } };
}

const fresh = (turn) => ({ turn, customer: null, language: null, sentences: [], over: false, interrupted: false, no_speech: null });

const CHANGES = {
  listening(now) {
    now.over = true;
    for (const sentence of now.sentences) sentence.state = sentence.state === "spoken" ? "said" : sentence.state;
  },
  wake_word(now, line) {
    Object.assign(now, fresh(line.turn));
  },
  transcript(now, line) {
    now.customer = line.text;
    now.language = line.language;
  },
  no_speech(now, line) {
    now.no_speech = line.reason;
  },
  reply_text(now, line) {
    if (!line.final) now.sentences.push({ text: line.text, state: "written" });
    else if (!now.sentences.length && line.text) now.sentences.push({ text: line.text, state: "written" });
  },
  speaking(now, line) {
    let at = now.sentences.findIndex((one) => one.text === line.text && one.state !== "said");
    if (at < 0) {
      // Said, but not written by the agent: an announcement, or an apology.
      now.sentences.push({ text: line.text, state: "written" });
      at = now.sentences.length - 1;
    }
    now.sentences.forEach((one, index) => {
      if (index < at && one.state !== "written") one.state = "said";
      if (index === at) one.state = "spoken";
    });
  },
  interrupted(now) {
    now.interrupted = true;
  },
  turn_end(now) {
    now.over = true;
    for (const sentence of now.sentences) sentence.state = sentence.state === "spoken" ? "said" : sentence.state;
  },
};
