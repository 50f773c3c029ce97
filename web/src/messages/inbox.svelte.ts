/** The messages of one folder, as far as they were asked for, and what is done with them. */

import { api, call, keptAt, type Schemas } from "../api/client.ts";
import { cursorOf } from "../api/paging.ts";
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

  constructor(readonly folder: Folder) {}

  /** Ask for the newest, in place of what was there. */
  async load(): Promise<void> {
    const page = await this.#read(null);
    this.items = page.items;
    this.keptAt = keptAt(page);
    this.cursor = cursorOf(page.next);
    void unread.look();
  }

  /** Ask for older ones besides. */
  async more(): Promise<void> {
    const page = await this.#read(this.cursor);
    // What has come in meanwhile moves the pages on.
    const isNew = (one: Message): boolean => this.items.every(({ id }) => id !== one.id);
    this.items = [...this.items, ...page.items.filter(isNew)];
    this.cursor = cursorOf(page.next);
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

  async #read(cursor: string | null): Promise<Schemas["Page_NotificationOut_"]> {
    const query = { folder: this.folder, limit: pageSize, ...(cursor !== null && { cursor }) };
    return call(api.GET("/v1/notifications", { params: { query } }));
  }
}
