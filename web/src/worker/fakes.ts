/** The browser's caches, and a service, for tests: what is in them can be read, and both changed. */

interface Kept {
  readonly text: string;
  readonly headers: Headers;
}

export interface Faked {
  /** What caches there are, oldest first, and what is in each, by its address. */
  readonly kept: Map<string, Map<string, Kept>>;
  /** What the service has, by address; null as long as it cannot be reached. */
  served: Record<string, string> | null;
  readonly globals: { readonly caches: object; readonly fetch: typeof fetch };
}

/** Return empty caches, and what stands for `caches` and `fetch`. */
export function fakeCaches(): Faked {
  const kept: Faked["kept"] = new Map();
  const pathOf = (request: RequestInfo | URL): string =>
    request instanceof Request ? new URL(request.url).pathname : String(request);

  function answer(request: RequestInfo | URL): Promise<Response> {
    const text = faked.served?.[pathOf(request)];
    return faked.served === null
      ? Promise.reject(new TypeError("There is no signal."))
      : Promise.resolve(new Response(text ?? "", { status: text === undefined ? 404 : 200 }));
  }

  function open(name: string): object {
    const inside = kept.get(name) ?? new Map<string, Kept>();
    kept.set(name, inside);
    const put = async (request: RequestInfo, response: Response): Promise<void> => {
      inside.set(pathOf(request), { text: await response.text(), headers: response.headers });
    };
    return {
      match: (request: RequestInfo) => {
        const found = inside.get(pathOf(request));
        return Promise.resolve(found && new Response(found.text, { headers: found.headers }));
      },
      put,
      delete: (request: RequestInfo) => Promise.resolve(inside.delete(pathOf(request))),
      keys: () => Promise.resolve([...inside.keys()]),
      addAll: async (paths: string[]) => {
        const all = await Promise.all(paths.map(answer));
        if (all.some(({ ok }) => !ok)) {
          throw new TypeError("One of them is not there.");
        }
        await Promise.all(all.map((response, index) => put(paths[index] ?? "", response)));
      },
    };
  }

  const faked: Faked = {
    kept,
    served: {},
    globals: {
      fetch: answer,
      caches: {
        open: (name: string) => Promise.resolve(open(name)),
        has: (name: string) => Promise.resolve(kept.has(name)),
        keys: () => Promise.resolve([...kept.keys()]),
        delete: (name: string) => Promise.resolve(kept.delete(name)),
      },
    },
  };
  return faked;
}
