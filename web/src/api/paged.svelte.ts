import { openedHere } from "../visits.ts";
import { Attempt } from "./attempt.svelte.ts";
import { Loading } from "./loading.svelte.ts";
import { joined, pageAt, type From } from "./paging.ts";

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

type Read<Item> = (from: From) => Promise<PageOf<Item>>;

/** As much of a list as was asked for; whoever asks is told why it failed. */
export class Pages<Item extends { readonly id: string }> {
  items: readonly Item[] = $state.raw([]);
  readonly #read: Read<Item>;
  readonly #opened: { count: number };
  #next: string | null = $state(null);

  /** `name` tells it apart from the other lists of its page. */
  constructor(name: string, read: Read<Item>) {
    this.#opened = openedHere(name);
    this.#read = read;
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Ask for the first, in place of what is there, as many as somebody had asked for. */
  async load(): Promise<void> {
    let { items, next } = await this.#read({});
    while (next !== null && items.length < this.#opened.count) {
      const page = await this.#read(pageAt(next));
      items = joined(items, page.items);
      next = page.next;
    }
    this.items = items;
    this.#next = next;
  }

  /** Ask for the next besides. */
  async more(): Promise<void> {
    const { items, next } = await this.#read(pageAt(this.#next));
    this.items = joined(this.items, items);
    this.#next = next;
    this.#opened.count = this.items.length;
  }

  /** Take one out that is gone. */
  drop(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }
}

/** A list that is asked for with its page, and what became of that. */
export class Paged<Item extends { readonly id: string }> extends Pages<Item> {
  readonly loading = new Loading(() => this.load());
  /** The pages after the first. */
  readonly going = new Attempt();

  override async more(): Promise<void> {
    await this.going.make(() => super.more());
  }
}
