/** The requests of the page to a server that asks for a token. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"

/** The requests that went out, with their tokens. */
let sent: Array<readonly [path: string, token: string | null]> = []
let accepted = ""

beforeEach(() => {
  sent = []
  accepted = "right"
  vi.resetModules()
  const kept = new Map<string, string>()
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text)
  })
  vi.stubGlobal("document", { getElementById: () => null })
  vi.stubGlobal("fetch", async (path: string, { headers, signal }: { headers: Headers; signal?: AbortSignal }) => {
    sent.push([path, headers.get("authorization")])
    await Promise.resolve()
    signal?.throwIfAborted()
    const isRight = accepted === "" || headers.get("authorization") === `Bearer ${accepted}`
    return new Response("{}", { status: isRight ? 200 : 401 })
  })
})
afterEach(() => void vi.unstubAllGlobals())

/** The names of the page's module that are used here. It is checked with the types of a browser, and this file is not. */
interface Page {
  readonly ask: (
    path: string,
    options?: { readonly signal: AbortSignal }
  ) => Promise<{ readonly ok: boolean; readonly problem?: { readonly status: number } } | undefined>
  readonly needsToken: { readonly value: boolean }
  readonly useToken: (text: string) => void
}

const load = (): Promise<Page> => vi.importActual<Page>("../../src/inspector/console/api.ts")

const names = ["me", "jobs/a", "jobs/a/input", "approvals", "programs"]

describe("a page of a server with tokens", () => {
  it("asks once without a token, and no more until it has one", async () => {
    const { ask, needsToken, useToken } = await load()
    const answers = await Promise.all(names.map((name) => ask(name)))
    expect(answers.map((answer) => answer?.problem?.status)).toEqual(names.map(() => 401))
    expect([needsToken.value, sent]).toEqual([true, [["api/v1/me", null]]])
    await ask("jobs/a")
    expect(sent.length).toBe(1)
    useToken("wrong")
    await Promise.all(names.map((name) => ask(name)))
    expect([needsToken.value, sent.length]).toEqual([true, 2])
    useToken("right")
    const granted = await Promise.all(names.map((name) => ask(name)))
    expect(granted.map((answer) => answer?.ok)).toEqual(names.map(() => true))
    expect([needsToken.value, sent.length]).toEqual([false, 2 + names.length])
  })

  it("does not take the late answer to an older token for one to the new token", async () => {
    const { ask, needsToken, useToken } = await load()
    const late = ask("me")
    useToken("right")
    await late
    expect(needsToken.value).toBe(false)
    expect((await ask("jobs/a"))?.ok).toBe(true)
  })
})

describe("a page of a server without tokens", () => {
  it("sends every request, also if the first is given up", async () => {
    accepted = ""
    const { ask } = await load()
    const abort = new AbortController()
    const given = ask("me", { signal: abort.signal })
    abort.abort()
    const answers = await Promise.all(names.map((name) => ask(name)))
    expect(await given).toBeUndefined()
    expect(answers.map((answer) => answer?.ok)).toEqual(names.map(() => true))
    expect(sent.length).toBe(1 + names.length)
  })
})
