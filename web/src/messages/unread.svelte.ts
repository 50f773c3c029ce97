/** How many messages wait unread, as the menu shows it on every page. */

import { api, call, readBrowser } from "../api/client.ts";
import { asFailure } from "../api/failures.ts";

class Unread {
  count = $state(0);
  /** Grows whenever a message has come in while the page stands. */
  arrived = $state(0);
  /** Whether a member is signed in, who may sign out on every page. */
  isMember = $state(false);
  #isSomebody = false;

  /** Look now, and whenever a message comes or somebody comes back to the page. */
  start(): void {
    void this.look();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        void this.look();
      }
    });
    if ("serviceWorker" in navigator) {
      navigator.serviceWorker.addEventListener("message", ({ data }) => {
        if (data === "notification") {
          this.arrived += 1;
          void this.look();
        }
      });
    }
  }

  /** Count anew. Without an answer the number of before stands. */
  async look(): Promise<void> {
    try {
      if (!this.#isSomebody) {
        const { device, member } = await readBrowser();
        this.#isSomebody = (device ?? member) !== null;
        this.isMember = member !== null;
      }
      this.count = this.#isSomebody ? (await call(api.GET("/v1/notifications/unread"))).unread : 0;
    } catch (error) {
      asFailure(error);
      this.#isSomebody = false;
    }
  }
}

export const unread = new Unread();
