/** The messages of one folder, as far as they were asked for, and what is done with them. */

import { api, call, keptAt, type Schemas } from "../api/client.ts";
import { Pages } from "../api/paged.svelte.ts";
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

export class Inbox extends Pages<Message> {
  /** Since when the newest were kept on this phone; null of those that have just come. */
  keptAt: string | null = $state(null);

  constructor(readonly folder: Folder) {
    super("inbox", async (from) => {
      const query = { folder, limit: pageSize, ...from };
      const page = await call(api.GET("/v1/notifications", { params: { query } }));
      if (from.cursor === undefined) {
        this.keptAt = keptAt(page);
      }
      return page;
    });
  }

  override async load(): Promise<void> {
    await super.load();
    void unread.look();
  }

  /** Change a message, which may leave the folder by that. */
  async change(id: string, body: Partial<Change>): Promise<void> {
    const changed = await change(id, body);
    if (liesIn(changed) === this.folder) {
      this.items = this.items.map((one) => (one.id === id ? changed : one));
    } else {
      this.drop(id);
    }
  }

  /** Have read all of them, those too that were not asked for yet. */
  async readAll(): Promise<void> {
    await call(api.POST("/v1/notifications/read-all"));
    await this.load();
  }
}
