/**
 * A page in as much of a browser as the inspector needs: elements by id, text, clicks.
 *
 * Boundary: no layout, no parser of HTML: of the document, only which ids there are and what is hidden.
 */
import { setMaxListeners } from "node:events"
import { createContext, runInContext } from "node:vm"

export class FakeElement {
  readonly tag: string
  id = ""
  className = ""
  hidden = false
  disabled = false
  value = ""
  childNodes: Array<FakeElement | string> = []
  readonly attributes = new Map<string, string>()
  readonly #listeners = new Map<string, Array<(event: unknown) => unknown>>()

  constructor(tag: string) {
    this.tag = tag
  }

  setAttribute(name: string, value: string): void {
    if (name === "class") this.className = value
    else if (name === "id") this.id = value
    else this.attributes.set(name, value)
  }

  addEventListener(name: string, listener: (event: unknown) => unknown): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
  }

  append(...children: ReadonlyArray<FakeElement | string>): void {
    this.childNodes.push(...children)
  }

  replaceChildren(...children: ReadonlyArray<FakeElement | string>): void {
    this.childNodes = [...children]
  }

  /** What a person would do; waits for what follows from it. */
  async act(name: "click" | "submit"): Promise<void> {
    for (const listener of this.#listeners.get(name) ?? []) await listener({ preventDefault: () => undefined })
  }

  get text(): string {
    return this.childNodes.map((child) => (typeof child === "string" ? child : child.text)).join("")
  }

  /** Itself and all that is below it. */
  *all(): Generator<FakeElement> {
    yield this
    for (const child of this.childNodes) if (typeof child !== "string") yield* child.all()
  }
}

export interface FakePage {
  readonly element: (id: string) => FakeElement
  /** Follows a link to a part of the page. */
  readonly goTo: (hash: string) => void
  /** Ends whatever the script still waits for. */
  readonly close: () => void
}

/** Runs the script of a document that was served at an address. */
export const openPage = (html: string, address: string, hash = ""): FakePage => {
  const roots = [...html.matchAll(/<(\w+) id="([\w-]+)"([^>]*)>/g)].map(([, tag, id, rest]) => {
    const element = new FakeElement(tag!)
    element.id = id!
    element.hidden = rest!.includes("hidden")
    return element
  })
  const find = (id: string): FakeElement | null => {
    for (const root of roots) for (const element of root.all()) if (element.id === id) return element
    return null
  }
  const kept = new Map<string, string>()
  const location = { hash }
  const away = new AbortController()
  setMaxListeners(0, away.signal)
  let now = 0
  const listeners: Array<() => void> = []
  const window = {
    document: { getElementById: find, createElement: (tag: string) => new FakeElement(tag), hidden: false },
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => kept.set(key, text)
    },
    location,
    fetch: (path: string, init: RequestInit = {}) => {
      const signal = init.signal == null ? away.signal : AbortSignal.any([init.signal, away.signal])
      return fetch(new URL(path, address), { ...init, signal })
    },
    // Frames of 250 ms follow one another at once.
    requestAnimationFrame: (draw: (now: number) => void) => {
      const timer = setTimeout(() => draw((now += 250)), 5)
      away.signal.addEventListener("abort", () => clearTimeout(timer), { once: true })
    },
    addEventListener: (_: string, listener: () => void) => void listeners.push(listener),
    AbortController,
    TextDecoderStream,
    URLSearchParams,
    Set,
    Map
  }
  const [, script] = /<script>(.*)<\/script>/s.exec(html) ?? []
  runInContext(script!, createContext(window))
  return {
    element: (id) => {
      const element = find(id)
      if (element === null) throw new Error(`the page has no element ${id}`)
      return element
    },
    goTo: (to) => {
      location.hash = to
      for (const listener of listeners) listener()
    },
    close: () => away.abort()
  }
}
