/** The names of facts in the console: every id goes into an address, and into a question to the server, and comes back as it was. */
import { describe, expect, it } from "vitest"
import { factIn, factQuery, nameParts } from "../../src/inspector/console/factNames.ts"
import { visible } from "../../src/inspector/console/text.ts"

const ids = [
  "",
  ".",
  "..",
  "a/b",
  "a b&c=d#e?f%25",
  "=",
  "~",
  '~"a"',
  "é 漢 😀",
  "\ud800",
  "a\udc00b",
  "\u0000\n",
  '"\\'
]

/** A query after the browser, which replaces characters that are no Unicode. */
const throughUrl = (parts: Readonly<Record<string, string>>) =>
  Object.fromEntries(new URLSearchParams(new URLSearchParams(parts).toString()))

describe("the name of a fact", () => {
  it.each(ids)("stays what it is in an address of the page: %j", (id) => {
    expect(factIn(throughUrl(factQuery({ kind: "A/Note", id })))).toEqual({ kind: "A/Note", id })
  })

  it.each(ids)("stays what it is in a question to the server, in no empty part: %j", (id) => {
    const sent = throughUrl(nameParts({ kind: "A/Note", id }))
    expect(Object.values(sent)).not.toContain("")
    expect(sent["kind"]).toBe("A/Note")
    expect(sent["factJson"] === undefined ? sent["fact"] : JSON.parse(sent["factJson"])).toBe(id)
    expect(Object.keys(sent)).toHaveLength(2)
  })

  it("tells apart ids that a URL would write alike", () => {
    const queries = ["\ud800", "\ud801", "\ufffd"].map((id) =>
      new URLSearchParams(factQuery({ kind: "K", id })).toString()
    )
    expect(new Set(queries).size).toBe(3)
  })

  it("is none in an address that has none", () => {
    for (const query of [
      {},
      { of: "K" },
      { fact: "=a" },
      { of: "K", fact: "a" },
      { of: "K", fact: "~1" },
      { of: "K", fact: "~" }
    ]) {
      expect(factIn(query)).toBe(undefined)
    }
  })

  it("is shown with the code points of what cannot be seen", () => {
    expect(visible("a\udc00b\u0000")).toBe("a⟨U+DC00⟩b⟨NUL⟩")
  })
})
