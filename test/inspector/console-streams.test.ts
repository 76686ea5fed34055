/** The events of a job that the console keeps, and how it takes streams apart: exact bounds, and every text whole. */
import { describe, expect, it } from "vitest"
import { EventBuffer } from "../../src/inspector/console/eventBuffer.ts"
import { Blocks, Lines } from "../../src/inspector/console/lines.ts"

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)

describe("the events that the page remembers", () => {
  it("are as many as there is room for, the newest, and the others are counted", () => {
    const buffer = new EventBuffer<number>({ events: 100, characters: 1_000_000 })
    for (const n of upTo(120)) buffer.add([n], 10)
    expect([buffer.events.length, buffer.dropped, buffer.length]).toEqual([120, 0, 1_200])
    buffer.add([121], 10)
    expect(buffer.events).toEqual(upTo(121, 22))
    expect([buffer.dropped, buffer.length]).toEqual([21, 1_000])
    for (const n of upTo(10_000, 122)) buffer.add([n], 10)
    expect(buffer.events.length).toBeLessThanOrEqual(120)
    expect([buffer.events.at(-1), buffer.dropped + buffer.events.length]).toEqual([10_000, 10_000])
    buffer.clear()
    expect([buffer.events, buffer.dropped, buffer.length]).toEqual([[], 0, 0])
  })

  it("are fewer if they are long, and the last one stays however long it is", () => {
    const buffer = new EventBuffer<number>({ events: 100, characters: 1_000 })
    buffer.add([1, 2, 3, 4], 1_200)
    expect([buffer.events.length, buffer.length]).toEqual([4, 1_200])
    buffer.add([5], 300)
    expect(buffer.events).toEqual([3, 4, 5])
    expect([buffer.dropped, buffer.length]).toEqual([2, 900])
    buffer.add([6], 5_000_000)
    expect([buffer.events, buffer.dropped, buffer.length]).toEqual([[6], 5, 5_000_000])
    buffer.add([7], 10)
    expect([buffer.events, buffer.length]).toEqual([[7], 10])
  })
})

/** All ways to cut a text in two, and the text one character at a time. */
const cuts = (text: string): ReadonlyArray<ReadonlyArray<string>> => [
  ...upTo(text.length + 1, 0).map((at) => [text.slice(0, at), text.slice(at)]),
  text.split("")
]

describe("a stream of lines", () => {
  it("gives each line once and whole, wherever its pieces end", () => {
    const text = `{"a":1}\n\n{"b":"2"}\r\nlong\nopen`
    for (const pieces of cuts(text)) {
      const lines = new Lines()
      expect(pieces.flatMap((piece) => lines.push(piece))).toEqual([`{"a":1}`, "", `{"b":"2"}`, "long"])
    }
  })

  it("takes a line of many pieces in time that grows with its length", () => {
    const lines = new Lines()
    const piece = "x".repeat(65_536)
    for (let n = 0; n < 400; n++) expect(lines.push(piece)).toEqual([])
    expect(lines.push("\n").map(({ length }) => length)).toEqual([400 * 65_536])
  })
})

describe("a stream of server-sent events", () => {
  it("gives the data of each block, without comments and other fields, wherever its pieces end", () => {
    const text = `: the events follow\n\nid: 1\nevent: A\ndata: {"a":1}\n\ndata:two\ndata: lines\r\n\r\n: still here\n\nid: 3\ndata: open\n`
    for (const pieces of cuts(text)) {
      const blocks = new Blocks()
      expect(pieces.flatMap((piece) => blocks.push(piece))).toEqual([`{"a":1}`, "two\nlines"])
      expect(blocks.push("\n")).toEqual(["open"])
    }
  })

  it("tells the id of an item with the item, and not before it", () => {
    const text = `id: a-1\nevent: A\ndata: 1\n\nid: a-2\ndata: 2\n\n: still here\n\nid: a-3\ndata: 3\n\n`
    for (const pieces of cuts(text)) {
      const blocks = new Blocks()
      let given = 0
      for (const piece of pieces) {
        given += blocks.push(piece).length
        expect(blocks.lastId).toBe(given === 0 ? "" : `a-${given}`)
      }
      expect(given).toBe(3)
    }
  })
})
