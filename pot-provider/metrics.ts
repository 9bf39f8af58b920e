/** What operators watch, in the text form of Prometheus. */

type Labels = Readonly<Record<string, string>>;

/** A number that only grows, for every combination of labels seen. */
class Counter {
  readonly #values = new Map<string, number>();

  /** @param known combinations that are there, as zero, before they are seen */
  constructor(readonly name: string, readonly help: string, known: Labels[] = []) {
    for (const labels of known) this.#values.set(written(labels), 0);
  }

  add(labels: Labels = {}): void {
    const key = written(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + 1);
  }

  lines(): string[] {
    const samples = [...this.#values].map(([labels, value]) => `${this.name}${labels} ${value}`);
    return [...header(this.name, this.help, "counter"), ...samples];
  }
}

/** A number asked for when it is read; null leaves it out. */
interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: () => number | null;
}

export class Metrics {
  readonly attestations = new Counter(
    "sluice_pot_attestations_total",
    "Attestations that ended, by the stage that ended them (done where none did)",
    [{ outcome: "ok", stage: "done" }],
  );
  readonly tokens = new Counter("sluice_pot_tokens_total", "Tokens asked for, by outcome", [
    { outcome: "ok" },
    { outcome: "failed" },
  ]);
  readonly sandboxExits = new Counter(
    "sluice_pot_sandbox_exits_total",
    "Sandbox processes that ended, by reason",
  );
  readonly #gauges: Gauge[] = [];
  #lastSuccess: number | null = null;

  constructor(readonly now: () => number = Date.now) {
    const started = this.now() / 1000;
    this.watch(
      "sluice_pot_last_attestation_timestamp_seconds",
      "When an attestation last succeeded, in seconds since 1970; absent before the first",
      () => this.#lastSuccess === null ? null : this.#lastSuccess / 1000,
    );
    this.watch(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      () => started,
    );
    this.watch(
      "process_resident_memory_bytes",
      "Resident memory size in bytes.",
      () => Deno.memoryUsage().rss,
    );
  }

  /** An attestation ended: `stage` is "done", or where it failed. */
  attested(stage: string): void {
    const outcome = stage === "done" ? "ok" : "failed";
    this.attestations.add({ outcome, stage: stage.replaceAll(" ", "_") });
    if (outcome === "ok") this.#lastSuccess = this.now();
  }

  watch(name: string, help: string, value: Gauge["value"]): void {
    this.#gauges.push({ name, help, value });
  }

  render(): string {
    const gauges = this.#gauges.flatMap(({ name, help, value }) => {
      const current = value();
      return current === null ? [] : [...header(name, help, "gauge"), `${name} ${current}`];
    });
    const counters = [this.attestations, this.tokens, this.sandboxExits].flatMap((counter) =>
      counter.lines()
    );
    return [...counters, ...gauges, ""].join("\n");
  }
}

function header(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** Values are names of ours, so nothing needs to be escaped. */
function written(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length ? `{${pairs.join(",")}}` : "";
}
