/** Messages that pop up on this phone: whether they can, do, and arrive. */

import { api, becomeDevice, call, readBrowser, type Schemas } from "../api/client.ts";
import { asFailure, NoAnswer, Refusal, type Failure } from "../api/failures.ts";
import { registerWorker } from "../offline/registering.ts";
import { sendReceipts } from "../push/receipts.ts";
import { getFact } from "../push/storage.ts";
import {
  areNotificationsWanted,
  syncSubscription,
  turnNotificationsOff,
  turnNotificationsOn,
} from "../push/subscribing.ts";
import { hindranceOf, thisPhone, type Hindrance } from "./possible.ts";

export type Health = Schemas["SubscriptionOut"]["health"];

type State =
  | { readonly is: "checking" }
  | { readonly is: "hindered"; readonly hindrance: Hindrance }
  /** Nothing is sent to who agreed to nothing. */
  | { readonly is: "unasked" }
  | { readonly is: "off" }
  | { readonly is: "on"; readonly health: Health };

const pushed = new Set<string>(["check-in-content", "nearby", "staff-tasks"]);
/** A test takes moments, and some push services seconds. */
const lookAgainMs = [2_000, 4_000, 8_000];

export class Pushes {
  state: State = $state.raw({ is: "checking" });
  failure: Failure | null = $state.raw(null);
  /** Whether a test was asked for since it was looked. */
  isTested = $state(false);

  /** Look, and mend what the browser has ended or exchanged since the last visit. */
  async look(): Promise<void> {
    await this.#make(async () => {
      const hindrance = hindranceOf(thisPhone());
      if (hindrance) {
        return { is: "hindered", hindrance };
      }
      const { device, member } = await readBrowser();
      if ((device ?? member) === null || !(await agreedToAny())) {
        return { is: "unasked" };
      }
      if (!device || !(await areNotificationsWanted()) || Notification.permission !== "granted") {
        return { is: "off" };
      }
      await syncSubscription(await worker());
      void sendReceipts().catch(() => undefined);
      return standing();
    });
  }

  /** Turn them on; called on a touch, while a browser still asks. */
  async turnOn(): Promise<void> {
    const permission = await Notification.requestPermission();
    await this.#make(async () => {
      if (permission !== "granted") {
        return permission === "denied" ? { is: "hindered", hindrance: "blocked" } : { is: "off" };
      }
      await becomeDevice();
      await turnNotificationsOn(await worker());
      return standing();
    });
  }

  /** Turn them off here. */
  async turnOff(): Promise<void> {
    await this.#make(async () => {
      await turnNotificationsOff(await worker());
      return { is: "off" };
    });
  }

  /** Have a test sent here, and look for a while whether it arrives. */
  async test(): Promise<void> {
    await this.#make(async () => {
      const kept = await getFact("subscription");
      if (!kept) {
        return { is: "off" };
      }
      const path = { subscription_id: kept.id };
      await call(api.POST("/v1/subscriptions/{subscription_id}/test", { params: { path } }));
      this.isTested = true;
      for (const ms of lookAgainMs) {
        setTimeout(() => void this.lookAtHealth(), ms);
      }
      return this.state;
    });
  }

  /** Look whether they arrive, where they are on. */
  async lookAtHealth(): Promise<void> {
    if (this.state.is === "on") {
      await this.#make(standing);
    }
  }

  async #make(step: () => Promise<State>): Promise<void> {
    this.failure = null;
    try {
      this.state = await step();
    } catch (error) {
      if (error instanceof Refusal && error.code === "consent-missing") {
        this.state = { is: "unasked" };
      } else {
        this.failure = failureOf(error);
        if (this.state.is === "checking") {
          this.state = { is: "off" };
        }
      }
    }
  }
}

async function standing(): Promise<State> {
  const kept = await getFact("subscription");
  const all = await call(api.GET("/v1/subscriptions"));
  const health = all.find(({ id }) => id === kept?.id)?.health ?? "ended";
  return health === "ended" ? { is: "off" } : { is: "on", health };
}

async function agreedToAny(): Promise<boolean> {
  const consents = await call(api.GET("/v1/consents"));
  return consents.some(({ purpose, given_at }) => pushed.has(purpose) && given_at !== null);
}

async function worker(): Promise<ServiceWorkerRegistration> {
  const registration = await registerWorker();
  if (!registration) {
    throw new Error("This browser has no service worker, which was asked before.");
  }
  return registration;
}

/** A browser's own refusal, as of its push service that cannot be reached, is told like a lost line. */
function failureOf(error: unknown): Failure {
  return error instanceof DOMException ? new NoAnswer("offline") : asFailure(error);
}
