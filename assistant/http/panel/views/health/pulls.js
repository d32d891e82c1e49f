// Models that are being fetched.

import { problemText, t } from "../../i18n.js";

const EVERY_MS = 1_000;

/** Watches jobs until they end. `onChange(model)` when something about one changed, `onEnd(job)` when it is over. */
export class Pulls {
  constructor(context, { onChange, onEnd }) {
    this.context = context;
    this.onChange = onChange;
    this.onEnd = onEnd;
    this.jobs = new Map();
    this.timer = null;
    this.closed = false;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** The running job of a model, or null. */
  of(model) {
    return this.jobs.get(model) ?? null;
  }

  /** Take up those that somebody began before. */
  async resume() {
    const { jobs } = await this.context.api.get("/api/jobs");
    for (const job of jobs) if (job.kind === "pull" && job.state === "running") this.#take(job);
  }

  async start(model) {
    this.#take(await this.context.api.post(`/api/models/${encodeURIComponent(model)}/pull`));
  }

  async cancel(model) {
    const job = this.jobs.get(model);
    if (job) this.#take(await this.context.api.del(`/api/jobs/${encodeURIComponent(job.id)}`));
  }

  #take(job) {
    if (this.closed) return;
    const model = job.what;
    if (job.state === "running") this.jobs.set(model, job);
    else {
      this.jobs.delete(model);
      this.#tell(job);
      this.onEnd(job);
    }
    this.onChange(model);
    if (this.jobs.size) this.#plan();
  }

  #plan() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), EVERY_MS);
  }

  async #look() {
    for (const [model, job] of [...this.jobs]) {
      try {
        this.#take(await this.context.api.get(`/api/jobs/${encodeURIComponent(job.id)}`));
      } catch (error) {
        if (error.name !== "Problem") throw error;
        // The assistant was started anew and has forgotten it; while it is away it is asked again.
        if (error.status === 404) this.#take({ ...job, state: "cancelled", what: model });
      }
    }
    if (this.jobs.size && !this.closed) this.#plan();
  }

  #tell({ state, what, problem }) {
    if (state === "done") this.context.toast(t("health.pull_done", { model: what }), "good");
    else if (state === "cancelled") this.context.toast(t("health.pull_cancelled", { model: what }), "neutral");
    else this.context.toast(t("health.pull_failed", { model: what, reason: problemText({ code: problem?.code, message: problem?.detail, remedy: problem?.remedy }) }), "poor");
  }
}
