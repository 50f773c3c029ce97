import type { Component } from "svelte";
import { match } from "./addresses.ts";
import { newId } from "./ids.ts";
import NotFound from "./pages/NotFound.svelte";
import NotLoaded from "./pages/NotLoaded.svelte";
import { pages } from "./routes.ts";

type Page = Component<Record<string, string>>;

interface Shown {
  readonly Page: Page;
  readonly parameters: Readonly<Record<string, string>>;
  /** Another one for each visit, so that a page begins anew when it is visited again. */
  readonly visit: string;
}

/** Two clicks that are this close to each other, in time and on the screen, are a double click. */
const twiceMs = 300;
const twicePx = 10;

const nothing = (): void => undefined;

/** What the browser's history keeps of a visit. */
interface Kept {
  readonly visit: string;
}

/** Shows the page of the address, and another one without loading everything anew. */
class Router {
  shown: Shown | null = $state.raw(null);
  /** Whether the way to another page takes long enough to say so. */
  isUnderWay = $state(false);

  #visit = "";
  #isFirst = true;
  #isOutdated = false;
  readonly #scrolled = new Map<string, number>();
  /** Scroll no more to where a page was. */
  #settle = nothing;
  #lastClick: MouseEvent | null = null;

  /** Show the page of the address there is, and follow the links and the history from now on. */
  start(): void {
    history.scrollRestoration = "manual";
    addEventListener("popstate", () => {
      const kept = history.state as Kept | null;
      if (kept === null) {
        // A link within the page has been followed, which is no visit of its own.
        history.replaceState({ visit: this.#visit } satisfies Kept, "");
      } else if (kept.visit !== this.#visit) {
        void this.#show();
      }
    });
    document.addEventListener("click", (event) => {
      const isSecond = this.#lastClick !== null && isSecondOfTwo(this.#lastClick, event);
      this.#lastClick = event;
      const href = hrefToFollow(event);
      if (href !== null) {
        event.preventDefault();
        if (!isSecond) {
          this.go(href);
        }
      }
    });
    void this.#show();
  }

  /** Take the new version of the app, which is here, with the next page that is gone to. */
  outdate(): void {
    this.#isOutdated = true;
  }

  /** Go to an address of the app's. */
  go(href: string): void {
    if (this.#isOutdated) {
      location.assign(href);
      return;
    }
    if (new URL(href, location.href).href === location.href) {
      void this.#show();
      return;
    }
    history.pushState({ visit: newId() } satisfies Kept, "", href);
    void this.#show();
  }

  /** Say that a page stands: whoever came by a link begins at its heading, where they were before. */
  arrived(heading: HTMLElement): void {
    if (this.#isFirst) {
      this.#isFirst = false;
      return;
    }
    heading.focus({ preventScroll: true });
    this.#scrollTo(this.#scrolled.get(this.#visit) ?? 0);
  }

  /** Scroll as far down as a page was before; what is there then may still be on its way. */
  #scrollTo(y: number): void {
    scrollTo(0, y);
    const most = (): number => document.documentElement.scrollHeight - innerHeight;
    if (most() >= y) {
      return;
    }
    const grown = new ResizeObserver(() => {
      if (most() >= y) {
        scrollTo(0, y);
        this.#settle();
      }
    });
    grown.observe(document.body);
    const settle = (): void => {
      this.#settle();
    };
    // Whoever goes elsewhere on the page themselves is left there.
    const moves = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
    for (const move of moves) {
      addEventListener(move, settle, { passive: true });
    }
    this.#settle = (): void => {
      grown.disconnect();
      for (const move of moves) {
        removeEventListener(move, settle);
      }
      this.#settle = nothing;
    };
  }

  async #show(): Promise<void> {
    this.#leave();
    const visit = visitOfHistory();
    this.#visit = visit;
    const found = match(location.pathname);
    const slow = setTimeout(() => {
      this.isUnderWay = true;
    }, 300);
    let Page: Page = NotFound;
    if (found) {
      try {
        Page = (await pages[found.name]()).default as Page;
      } catch {
        Page = NotLoaded;
      }
    }
    clearTimeout(slow);
    // Whoever has gone on meanwhile is not brought back.
    if (visit === this.#visit) {
      this.isUnderWay = false;
      this.shown = { Page, parameters: found?.parameters ?? {}, visit: newId() };
    }
  }

  #leave(): void {
    this.#settle();
    this.#scrolled.set(this.#visit, scrollY);
  }
}

function visitOfHistory(): string {
  const kept = history.state as Kept | null;
  if (kept) {
    return kept.visit;
  }
  const visit = newId();
  history.replaceState({ visit } satisfies Kept, "");
  return visit;
}

/**
 * Tell whether a click is the second of two at one spot, which was meant for what stood there before.
 *
 * Browsers count clicks anew where something else stands by then. Keys click nowhere, and count none.
 */
function isSecondOfTwo(last: MouseEvent, event: MouseEvent): boolean {
  const isByKey = event.detail === 0;
  const apart = Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY);
  return !isByKey && event.timeStamp - last.timeStamp < twiceMs && apart < twicePx;
}

/** Return where a click on a link leads within the app; null where the browser is to follow it. */
function hrefToFollow(event: MouseEvent): string | null {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  const isPlain =
    event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!(link instanceof HTMLAnchorElement) || !isPlain || event.defaultPrevented) {
    return null;
  }
  const isElsewhere =
    link.origin !== location.origin || link.target !== "" || link.hasAttribute("download");
  const isWithin = link.hash !== "" && link.pathname === location.pathname;
  return isElsewhere || isWithin || !match(link.pathname) ? null : link.href;
}

export const router = new Router();
