/**
 * As much of a browser's window as the modules of the console need, without a browser: what they ask, a test answers.
 *
 * Boundary: stubs. They stay, as do the page's timers, so a file that uses them has a process of its own (test/vitest.config.ts).
 */
import { vi } from "vitest"

const nothing = (): void => undefined

const storage = () => ({ getItem: () => null, setItem: nothing, removeItem: nothing })

/** Opens a page at a place, such as `#/jobs`. `answer`: the body of the answer to a path below `api/v1/`. */
export const stubWindow = (hash: string, answer: (path: string) => unknown): void => {
  vi.resetModules()
  const events = { addEventListener: nothing, removeEventListener: nothing }
  for (const [name, stub] of Object.entries({
    ...events,
    document: { ...events, hidden: false, getElementById: () => null },
    window: { isSecureContext: false },
    location: { hash },
    matchMedia: () => ({ ...events, matches: false }),
    localStorage: storage(),
    sessionStorage: storage(),
    fetch: async (path: string) => new Response(JSON.stringify(await answer(path.replace(/^api\/v1\//, ""))))
  })) {
    vi.stubGlobal(name, stub)
  }
}
