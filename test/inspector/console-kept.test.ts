/** The texts that the page keeps in the browser, and a browser that keeps none. */
import { afterEach, expect, it, vi } from "vitest"

interface Module {
  readonly kept: (
    place: "localStorage",
    key: string
  ) => { readonly read: () => string; readonly write: (text: string) => void }
}

afterEach(() => void vi.unstubAllGlobals())

const load = (): Promise<Module> => vi.importActual<Module>("../../src/inspector/console/kept.ts")

it("a text is kept until it is taken away", async () => {
  const texts = new Map<string, string>()
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) => void texts.set(key, text),
    removeItem: (key: string) => void texts.delete(key)
  })
  const { read, write } = (await load()).kept("localStorage", "a")
  expect(read()).toBe("")
  write("one")
  expect([read(), texts.get("a")]).toEqual(["one", "one"])
  write("")
  expect([read(), texts.size]).toEqual(["", 0])
})

it("nothing breaks where the browser refuses to keep texts, or has no room", async () => {
  const refuse = (): never => {
    throw new DOMException("The document is sandboxed.", "SecurityError")
  }
  const { read, write } = (await load()).kept("localStorage", "a")
  const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage")
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get: refuse })
  try {
    write("one")
    expect(read()).toBe("")
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "localStorage")
    else Object.defineProperty(globalThis, "localStorage", before)
  }
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: refuse })
  write("one")
  expect(read()).toBe("")
})
