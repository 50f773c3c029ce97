import { openedHere } from "../visits.ts";
import { Attempt } from "./attempt.svelte.ts";
import { Loading } from "./loading.svelte.ts";
import { cursorOf } from "./paging.ts";

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** What goes on from where a page ended; empty for the first. */
export interface From {
  readonly cursor?: string;
}

/** A list that comes page by page. */
export class Paged<Item extends { readonly id: string }> {
  items: readonly Item[] = $state.raw([]);
  hasMore = $state(false);
  readonly loading: Loading<void>;
  /** The pages after the first. */
  readonly going = new Attempt();
  readonly #read: (from: From) => Promise<PageOf<Item>>;
  readonly #opened: { count: number };
  #cursor: string | null = null;

  /** `name` tells it apart from the other lists of its page. */
  constructor(name: string, read: (from: From) => Promise<PageOf<Item>>) {
    this.#opened = openedHere(name);
    this.#read = read;
    this.loading = new Loading(() => this.#begin());
  }

  /** Add the next page. */
  async more(): Promise<void> {
    if (await this.going.make(() => this.#add(this.items))) {
      this.#opened.count = this.items.length;
    }
  }

  /** Take one out that is gone. */
  drop(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  async #begin(): Promise<void> {
    this.#cursor = null;
    await this.#add([]);
    while (this.hasMore && this.items.length < this.#opened.count) {
      await this.#add(this.items);
    }
  }

  async #add(before: readonly Item[]): Promise<void> {
    const page = await this.#read(this.#cursor === null ? {} : { cursor: this.#cursor });
    this.items = [...before, ...page.items];
    this.#cursor = cursorOf(page.next);
    this.hasMore = this.#cursor !== null;
  }
}
