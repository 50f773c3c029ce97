import { Attempt } from "../api/attempt.svelte.ts";
import { keptAt } from "../api/client.ts";
import { fresh } from "../api/fresh.ts";
import { readTimes, type Time } from "./event.ts";

const pageSize = 5;

/** The times of an event ahead, a few at first. */
export class Times {
  /** Each with an id of its own, which is its start. */
  list: readonly (Time & { readonly id: string })[] = $state.raw([]);
  hasMore = $state(false);
  /** Since when they were kept on this phone; null of those that have just come. */
  keptAt: string | null = $state(null);
  readonly going = new Attempt();
  readonly #eventId: string;
  /** How often somebody's own has changed: what was asked for before is not shown after it. */
  #settled = 0;

  constructor(eventId: string) {
    this.#eventId = eventId;
  }

  /** Read as many as are shown anew, or the first few. */
  async again(): Promise<void> {
    const limit = this.#limit;
    this.#show(await this.#read(null, limit), limit);
  }

  /** See how they are now; where that cannot be known they stay as they are. */
  async refresh(): Promise<void> {
    const [limit, before] = [this.#limit, this.#settled];
    const found = await fresh(this.#read(null, limit));
    if (found && before === this.#settled) {
      this.#show(found, limit);
    }
  }

  /** Somebody has signed up for one of them, or has given it up, which changes the others' numbers too. */
  settle({ starts_at }: Time, yours: Time["yours"]): void {
    this.list = this.list.map((one) => (one.id === starts_at ? { ...one, yours } : one));
    this.#settled += 1;
    void this.refresh();
  }

  /** Add the next few. */
  async more(): Promise<void> {
    await this.going.make(async () => {
      const last = this.list.at(-1);
      const found = await this.#read(last?.ends_at ?? null, pageSize);
      this.hasMore = found.length > pageSize;
      const known = this.list.map(({ id }) => id);
      const next = withIds(found.slice(0, pageSize));
      this.list = [...this.list, ...next.filter(({ id }) => !known.includes(id))];
    });
  }

  /** How many are shown from the first on. */
  get #limit(): number {
    return Math.max(pageSize, this.list.length);
  }

  /** One more is asked for than is shown, which tells whether the list goes on. */
  #read(since: string | null, limit: number): Promise<Time[]> {
    return readTimes(this.#eventId, since, limit + 1);
  }

  #show(found: Time[], limit: number): void {
    this.keptAt = keptAt(found);
    this.hasMore = found.length > limit;
    this.list = withIds(found.slice(0, limit));
  }
}

function withIds(times: readonly Time[]): (Time & { readonly id: string })[] {
  return times.map((time) => ({ ...time, id: time.starts_at }));
}
