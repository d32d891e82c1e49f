// Everything as plain text, for whoever helps from afar. In English, as the assistant's own words are; it holds no
// token and nothing that customers said.

import { findingText } from "./findings.js";
import { incidentText } from "./incidents.js";
import { modelText } from "./models.js";

/** `found`: `{health, voices, status, at}`; `voices` and `status` are null where they could not be had. */
export function ticket({ health, voices, status, at }) {
  const parts = [["Shop assistant: health", `${location.host}, ${at.toISOString()}`, `Browser: ${navigator.userAgent}`]];
  if (status) parts.push(machine(status));
  parts.push(["Findings", ...health.findings.map(findingText)]);
  if (voices) parts.push(["Voices", ...voices.engines.map(engine)]);
  parts.push(["Disk", ...Object.entries(health.disk).map(([name, value]) => `${name}: ${value}`)]);
  parts.push(["Models here", ...health.models.filter((model) => model.state !== "missing").map(modelText)]);
  parts.push(["Incidents, newest first", ...(health.incidents.length ? health.incidents.map(incidentText) : ["none"])]);
  return parts.map(([head, ...lines]) => [`== ${head}`, ...lines].join("\n")).join("\n\n");
}

function machine({ version, uptime_s, state, cloud, microphone, speaker, trouble }) {
  return [
    "Machine",
    `version ${version}, up ${Math.round(uptime_s)} s, ${state}, cloud: ${cloud}`,
    `microphone: ${microphone.name}, last sound ${microphone.last_frame_s ?? "never"} s ago, level ${microphone.level_db} dB, lost ${microphone.dropped_s} s`,
    `loudspeaker: ${speaker.name}, level ${speaker.level_db} dB`,
    ...trouble.map((one) => `trouble: ${one.part}: ${one.reason} → ${one.remedy}`),
  ];
}

function engine({ name, state, reason, real_time_factor, licence }) {
  return `[${state}] ${name}${reason ? `: ${reason}` : ""}; real-time factor ${real_time_factor ?? "unknown"}; ${licence}`;
}
