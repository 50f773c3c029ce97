/** The messages of one folder, as far as they were asked for, and what is done with them. */

import { api, call, keptAt, type Schemas } from "../api/client.ts";
import { cursorOf } from "../api/paging.ts";
import { openedHere } from "../visits.ts";
import { liesIn, type Folder } from "./folders.ts";
import { unread } from "./unread.svelte.ts";

export type Message = Schemas["NotificationOut"];
export type Change = Schemas["NotificationChangeIn"];

const pageSize = 20;

/** Change how a message lies; what is left out stays as it is. */
export async function change(id: string, body: Partial<Change>): Promise<Message> {
  const params = { path: { notification_id: id } };
  const changed = await call(api.PATCH("/v1/notifications/{notification_id}", { params, body }));
  void unread.look();
  return changed;
}

export class Inbox {
  items: readonly Message[] = $state.raw([]);
  cursor: string | null = $state(null);
  /** Since when the newest were kept on this phone; null of those that have just come. */
  keptAt: string | null = $state(null);

  readonly #opened = openedHere("inbox");

  constructor(readonly folder: Folder) {}

  /** Ask for the newest, in place of what was there, as many as somebody had asked for. */
  async load(): Promise<void> {
    const newest = await this.#read(null);
    let [items, cursor] = [newest.items as readonly Message[], cursorOf(newest.next)];
    while (cursor !== null && items.length < this.#opened.count) {
      [items, cursor] = await this.#after(items, cursor);
    }
    this.items = items;
    this.keptAt = keptAt(newest);
    this.cursor = cursor;
    void unread.look();
  }

  /** Ask for older ones besides. */
  async more(): Promise<void> {
    [this.items, this.cursor] = await this.#after(this.items, this.cursor);
    this.#opened.count = this.items.length;
  }

  /** Change a message, which may leave the folder by that. */
  async change(id: string, body: Partial<Change>): Promise<void> {
    const changed = await change(id, body);
    this.items =
      liesIn(changed) === this.folder
        ? this.items.map((one) => (one.id === id ? changed : one))
        : this.items.filter((one) => one.id !== id);
  }

  /** Have read all of them, those too that were not asked for yet. */
  async readAll(): Promise<void> {
    await call(api.POST("/v1/notifications/read-all"));
    await this.load();
  }

  /** Return messages with those of the next page, and where they go on. */
  async #after(
    before: readonly Message[],
    cursor: string | null,
  ): Promise<[readonly Message[], string | null]> {
    const page = await this.#read(cursor);
    // What has come in meanwhile moves the pages on.
    const isNew = (one: Message): boolean => before.every(({ id }) => id !== one.id);
    return [[...before, ...page.items.filter(isNew)], cursorOf(page.next)];
  }

  async #read(cursor: string | null): Promise<Schemas["Page_NotificationOut_"]> {
    const query = { folder: this.folder, limit: pageSize, ...(cursor !== null && { cursor }) };
    return call(api.GET("/v1/notifications", { params: { query } }));
  }
}
