// One question to the assistant, its answer told as it arises.

import { Problem } from "../../api.js";

/**
 * Ask `question` (`{text}` or `{recording: {blob}}`) in `talk` (`{id, personality}`); `onEvent(name, data)` gets `start`,
 * `transcript`, `text`, `voice`, `end`. Raises a Problem, also one that arises in the midst of the answer.
 */
export async function ask(api, talk, question, signal, onEvent) {
  let failed = null;
  await api.stream("/api/conversation", body(talk, question), (name, data) => {
    if (name === "error") failed = new Problem(data.problem ?? data);
    else onEvent(name, data);
  }, signal);
  if (failed) throw failed;
}

function body(talk, question) {
  const rest = {};
  if (talk.id !== null) rest.conversation_id = talk.id;
  if (talk.personality) rest.personality = talk.personality;
  if (!question.recording) return { text: question.text, stream: true, ...rest };
  const form = new FormData();
  form.append("file", question.recording.blob, "question.wav");
  form.append("stream", "true");
  for (const [name, value] of Object.entries(rest)) form.append(name, value);
  return form;
}
