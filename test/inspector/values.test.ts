/** Texts and values as the console shows them: cut without splitting a character, printed without a limit of depth, marked. */
import { describe, expect, it } from "vitest"
import { printed, printedPieces } from "../../src/inspector/console/printed.ts"
import { beginning, idPartsOf, joined, partsOf, piecesOf, visible } from "../../src/inspector/console/text.ts"

const namesIn = (text: string): string =>
  partsOf(text)
    .map((part) => (typeof part === "string" ? part : `[${part.mark}]`))
    .join("")

describe("a text of a user", () => {
  it.each([
    ["a\u0000b", "a[NUL]b"],
    ["\u001b[31m", "[ESC][31m"],
    ["\u007f\u0085", "[U+007F][U+0085]"],
    ["\u202Egnirts", "[U+202E]gnirts"],
    ["a\u200Bb\uFEFF", "a[U+200B]b[U+FEFF]"],
    ["\ud800x\udc00", "[U+D800]x[U+DC00]"],
    ["a\nb\tc", "a[LF]b[TAB]c"],
    ["a\u200Db", "a[U+200D]b"],
    ["👩\u200D👧 é 漢 😀", "👩\u200D👧 é 漢 😀"],
    ["می\u200Cشود", "می\u200Cشود"],
    ["\u{E0041}", "[U+E0041]"]
  ])("has the characters in sight that would hide: %j", (text, shown) => {
    expect(namesIn(text)).toBe(shown)
  })

  it("keeps its lines where they are layout, and marks spaces at the ends of an id", () => {
    expect(partsOf("a\nb", true)).toEqual(["a\nb"])
    const shown = (id: string) => idPartsOf(id).map((part) => (typeof part === "string" ? part : part.mark))
    expect(shown("  ")).toEqual(["SP", "SP"])
    expect(shown(" a b ")).toEqual(["SP", "a b", "SP"])
    expect(shown("a b")).toEqual(["a b"])
  })

  it("is cut between characters, and costs no more than what is shown", () => {
    expect(beginning("a😀b", 2)).toBe("a")
    expect(beginning("a😀b", 3)).toBe("a😀")
    expect(visible("x".repeat(10_000_000), 10)).toBe(`${"x".repeat(10)}…`)
    expect([...piecesOf("a😀b😀", 2), ...piecesOf("", 2)]).toEqual(["a", "😀", "b", "😀"])
  })
})

const values: ReadonlyArray<unknown> = [
  null,
  1,
  "a\u0000\ud800",
  [],
  {},
  [[], {}, [1, [2, { a: [] }]]],
  { a: 1, b: { c: [1, 2, { d: null }] }, "": "x" }
]

describe("a printed value", () => {
  it.each(values)("is what JSON.stringify writes: %j", (value) => {
    for (const indent of [0, 2])
      expect(printed(value, Infinity, indent)).toEqual({
        text: JSON.stringify(value, undefined, indent),
        isWhole: true
      })
  })

  it("is its beginning where it is long, of the same text", () => {
    const value = { list: Array.from({ length: 1_000 }, (_, n) => ({ n, text: "x".repeat(20) })) }
    const { isWhole, text } = printed(value, 300, 2)
    expect([isWhole, text]).toEqual([false, JSON.stringify(value, undefined, 2).slice(0, 300)])
    expect(printed("y".repeat(10_000_000), 100, 0)).toMatchObject({
      isWhole: false,
      text: expect.stringMatching(/^"y{50,}/)
    })
  })

  it("comes in pieces of a bounded length, so that the page can rest between them", () => {
    const value = { text: `"\u0000\u202E😀\ud800`.repeat(500_000), list: [1, { a: "" }], none: {} }
    const pieces = [...printedPieces(value)]
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(2_000_000)
    // Texts of this length are not shown where they differ.
    for (const indent of [0, 2])
      expect([...printedPieces(value, indent)].join("") === JSON.stringify(value, undefined, indent)).toBe(true)
    expect([...printedPieces("a😀b😀", 0, 2)]).toEqual([`"`, "a", "😀", "b", "😀", `"`])
  })

  it("may be nested 100,000 levels deep", () => {
    let value: unknown = 1
    for (let level = 0; level < 100_000; level++) value = level % 2 === 0 ? [value] : { in: value }
    expect(printed(value, 1_000, 2).isWhole).toBe(false)
    expect(printed(value, Infinity, 0).text.length).toBe(2 * 50_000 + 7 * 50_000 + 1)
  })
})

describe("the texts that a task reports", () => {
  it("are joined where they are pieces of one, and have a line each where each says how far the task is", () => {
    expect(joined(["A text ", "str", "eams, 50 % of", " it."])).toBe("A text streams, 50 % of it.")
    expect(joined(["item 3: 0 %", "item 3: 10 %"])).toBe("item 3: 0 %\nitem 3: 10 %")
    expect(joined(["1 of 20", "2 of 20"])).toBe("1 of 20\n2 of 20")
    expect(joined([])).toBe("")
  })
})
