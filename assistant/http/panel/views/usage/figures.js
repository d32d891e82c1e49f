// From the rows of /api/stats to what is shown: sums over a time, and one number per day and provider.
//
// A row is what one provider did on one day: {day, stage, provider, requests, failures, interruptions,
// cache_hit_rate, latency_ms, audio_s, characters}. Latencies and rates are means, so they are weighed when added up.

const DAY_MS = 86_400_000;

/** The last `count` days as ISO dates, oldest first; the newest is today or the day of the newest row. */
export function lastDays(count, rows, today = new Date()) {
  const here = [today.getFullYear(), today.getMonth() + 1, today.getDate()];
  const local = here.map((part) => String(part).padStart(2, "0")).join("-");
  const newest = rows.reduce((last, row) => (row.day > last ? row.day : last), local);
  const end = Date.parse(`${newest}T00:00:00Z`);
  return Array.from({ length: count }, (_, place) =>
    new Date(end - (count - 1 - place) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** Pieces of work that the provider did, from the cache or anew. */
export function done(row) {
  return row.requests - row.failures;
}

/** Those that came from the cache. */
export function hits(row) {
  return row.cache_hit_rate * done(row);
}

/** Sums over rows; rates and latency are null where nothing was counted. */
export function totals(rows) {
  const sum = (value) => rows.reduce((all, row) => all + value(row), 0);
  const made = sum(done);
  const timed = rows.filter((row) => row.latency_ms !== null);
  const fresh = timed.reduce((all, row) => all + weight(row), 0);
  return {
    requests: sum((row) => row.requests),
    done: made,
    failures: sum((row) => row.failures),
    interruptions: sum((row) => row.interruptions),
    audio_s: sum((row) => row.audio_s),
    characters: sum((row) => row.characters),
    hitRate: made ? sum(hits) / made : null,
    latency_ms: fresh ? timed.reduce((all, row) => all + row.latency_ms * weight(row), 0) / fresh : null,
  };
}

/** One series per provider, the busiest first: {name, values} with a number for each day. */
export function byProvider(rows, days, value, empty = 0) {
  const work = new Map();
  for (const row of rows) work.set(row.provider, (work.get(row.provider) ?? 0) + row.requests);
  const names = [...work.keys()].sort((one, other) => work.get(other) - work.get(one));
  return names.map((name) => {
    const found = new Map(rows.filter((row) => row.provider === name).map((row) => [row.day, value(row)]));
    return { name, values: days.map((day) => found.get(day) ?? empty) };
  });
}

/** One number per day over all providers; `value` gets the day's rows and is not asked for days without any. */
export function byDay(rows, days, value, empty = 0) {
  const found = Map.groupBy ? Map.groupBy(rows, (row) => row.day) : grouped(rows);
  return days.map((day) => (found.has(day) ? value(found.get(day)) : empty));
}

/** A table of all days as text that spreadsheets read. */
export function csv(rows) {
  const columns = [
    "day",
    "stage",
    "provider",
    "requests",
    "failures",
    "interruptions",
    "cache_hit_rate",
    "latency_ms",
    "audio_s",
    "characters",
  ];
  const lines = rows.map((row) => columns.map((column) => quoted(row[column])).join(","));
  return `${[columns.join(","), ...lines].join("\r\n")}\r\n`;
}

/** Latency is measured where the provider did the work itself. */
function weight(row) {
  return Math.max(done(row) - hits(row), 1e-9);
}

function grouped(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.day, [...(found.get(row.day) ?? []), row]);
  return found;
}

function quoted(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
