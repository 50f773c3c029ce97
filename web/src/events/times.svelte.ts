import { Attempt } from "../api/attempt.svelte.ts";
import { readTimes, type Time } from "./event.ts";

const pageSize = 5;

/** The times of an event ahead, a few at first. */
export class Times {
  /** Each with an id of its own, which is its start. */
  list: readonly (Time & { readonly id: string })[] = $state.raw([]);
  /** What the first of them came with, which may have been kept; empty before. */
  answer: readonly Time[] = $state.raw([]);
  hasMore = $state(false);
  readonly going = new Attempt();
  readonly #eventId: string;

  constructor(eventId: string) {
    this.#eventId = eventId;
  }

  /** Read as many as are shown anew, or the first few. */
  async again(): Promise<void> {
    this.list = withIds(await this.#read(null, Math.max(pageSize, this.list.length)));
  }

  /** Add the next few. */
  async more(): Promise<void> {
    await this.going.make(async () => {
      const last = this.list.at(-1);
      const found = await this.#read(last?.ends_at ?? null, pageSize);
      const known = this.list.map(({ id }) => id);
      this.list = [...this.list, ...withIds(found).filter(({ id }) => !known.includes(id))];
    });
  }

  /** One more is asked for than is shown, which tells whether the list goes on. */
  async #read(since: string | null, limit: number): Promise<Time[]> {
    const found = await readTimes(this.#eventId, since, limit + 1);
    this.hasMore = found.length > limit;
    if (since === null) {
      this.answer = found;
    }
    return found.slice(0, limit);
  }
}

function withIds(times: readonly Time[]): (Time & { readonly id: string })[] {
  return times.map((time) => ({ ...time, id: time.starts_at }));
}
