/** Photos of a task: those it has, and those on their way. */

import { api, call, headersOfOurs, type Schemas } from "../api/client.ts";
import { asFailure, isUnknown, NoAnswer, Refusal, type Failure } from "../api/failures.ts";
import { newId } from "../ids.ts";
import { nowHere } from "../offline/waiting.ts";
import { unsent } from "../offline/unsent.svelte.ts";

export type Photo = Schemas["FileOut"];

/** Pixels on the longer side, as many as the service keeps. */
const longestSidePx = 2560;
const quality = 0.85;
/** Without a byte more for this long, nothing more comes. */
const stalledMs = 60_000;

/** A photo that is being sent. */
export class Sending {
  readonly id = newId();
  /** From 0 to 1. */
  progress = $state(0);
  failure: Failure | null = $state.raw(null);
  /** Whether it is kept on this phone until it can be sent. */
  isWaiting = $state(false);

  constructor(
    readonly drawn: HTMLCanvasElement,
    readonly photo: Blob,
  ) {}
}

export class Photos {
  kept: readonly Photo[] = $state.raw([]);
  sending: readonly Sending[] = $state.raw([]);
  /** Whether the last file chosen was no photo. */
  isUnreadable = $state(false);
  failure: Failure | null = $state.raw(null);
  readonly #taskId: string;
  readonly #title: string;

  constructor(taskId: string, title: string) {
    this.#taskId = taskId;
    this.#title = title;
    void this.load();
  }

  /** Ask which photos there are. */
  async load(): Promise<void> {
    this.failure = null;
    const params = { path: { task_id: this.#taskId } };
    try {
      this.kept = await call(api.GET("/v1/tasks/{task_id}/photos", { params }));
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  /** Add photos, one after the other. */
  async add(files: Iterable<Blob>): Promise<void> {
    this.isUnreadable = false;
    for (const file of files) {
      let one: Sending;
      try {
        one = await redraw(file);
      } catch {
        this.isUnreadable = true;
        continue;
      }
      this.sending = [...this.sending, one];
      await this.send(one);
    }
  }

  /** Send a photo, also once more: the service knows it again by what it shows. */
  async send(one: Sending): Promise<void> {
    one.failure = null;
    one.progress = 0;
    try {
      const kept = await upload(this.#taskId, one);
      this.kept = [...this.kept.filter(({ id }) => id !== kept.id), kept];
      this.leave(one);
    } catch (error) {
      const failure = asFailure(error);
      if (failure instanceof NoAnswer || isUnknown(failure)) {
        await this.#keep(one);
      } else {
        one.failure = failure;
      }
    }
  }

  /** Keep a photo until there is signal, or until whoever took it has signed in. */
  async #keep(one: Sending): Promise<void> {
    const { photo } = one;
    const matter = { is: "photo", taskId: this.#taskId, photo, at: nowHere() } as const;
    const outcome = await unsent.submit({ matter, about: this.#title });
    if (outcome.is === "refused") {
      one.failure = outcome.failure;
    } else {
      one.isWaiting = outcome.is === "waiting";
      if (!one.isWaiting) {
        this.leave(one);
        await this.load();
      }
    }
  }

  /** Leave a photo that could not be sent. */
  leave(one: Sending): void {
    this.sending = this.sending.filter(({ id }) => id !== one.id);
  }

  /** Take a photo away. */
  async remove(photo: Photo): Promise<void> {
    this.failure = null;
    const params = { path: { file_id: photo.id } };
    try {
      await call(api.DELETE("/v1/files/{file_id}", { params }));
      this.kept = this.kept.filter(({ id }) => id !== photo.id);
    } catch (error) {
      this.failure = asFailure(error);
    }
  }
}

/**
 * Draw a photo anew, no larger than the service keeps it: less to send, and what a camera writes
 * into it, such as where it was taken, stays on the phone.
 */
async function redraw(file: Blob): Promise<Sending> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, longestSidePx / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const photo = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", quality);
  });
  if (!photo) {
    throw new Error("The browser cannot write a photo of this size.");
  }
  return new Sending(canvas, photo);
}

/** Send a photo, telling how far it has come, which `fetch` does not. */
async function upload(taskId: string, one: Sending): Promise<Photo> {
  const headers = await headersOfOurs();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/tasks/${encodeURIComponent(taskId)}/photos`);
    request.responseType = "json";
    request.setRequestHeader("Content-Type", one.photo.type);
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value);
    }
    let isTooSlow = false;
    const giveUp = (): void => {
      isTooSlow = true;
      request.abort();
    };
    let stalled = setTimeout(giveUp, stalledMs);
    request.upload.onprogress = ({ loaded, total }): void => {
      clearTimeout(stalled);
      stalled = setTimeout(giveUp, stalledMs);
      one.progress = total > 0 ? loaded / total : 0;
    };
    request.onloadend = (): void => {
      clearTimeout(stalled);
      const { status } = request;
      if (status === 0) {
        reject(new NoAnswer(isTooSlow ? "too-slow" : "offline"));
      } else if (status >= 200 && status < 300) {
        resolve(request.response as Photo);
      } else {
        reject(new Refusal(status, (request.response ?? {}) as Refusal["problem"]));
      }
    };
    request.send(one.photo);
  });
}
