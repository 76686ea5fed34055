/** Outcomes on their way from a worker: many in a message, large ones in several, all of them whole. */
import { describe, expect, it } from "@effect/vitest"
import { Limits } from "../../src/index.ts"
import type { ResultsHead } from "../../src/workers/protocol.ts"
import { Inbox, ResultBatch, type Read } from "../../src/workers/results.ts"
import { program } from "../support/workers/harness.ts"
import { Seen } from "../support/workers/programs.ts"
import { type EncodedEffect, emptyEffect } from "../../src/program/encoded.ts"
import { eraseKind } from "../../src/program/erased.ts"

const kind = eraseKind(Seen)

const effect = (ids: ReadonlyArray<string>, length = 1): EncodedEffect => ({
  ...emptyEffect,
  facts: ids.map((id) => ({ kind, id, because: undefined, ...kind.codec.encode({ id, text: "x".repeat(length) }) }))
})

type Message = readonly [head: string, texts: string, isLast: boolean]

const through = (fill: (results: ResultBatch) => void) => {
  const messages: Array<Message> = []
  const results = new ResultBatch((...message) => messages.push(message))
  fill(results)
  results.flush(true)
  const reads: Array<Read> = []
  const inbox = new Inbox(program.kinds)
  for (const [head, texts] of messages) inbox.read(head, texts, (read) => reads.push(read))
  return { messages, reads }
}

describe("results", () => {
  it("come out as they went in, in one message if they are small", () => {
    const rest: EncodedEffect = {
      facts: effect(["a"]).facts,
      intents: [{ kind: "tell", payload: { b: 1 }, text: '{"kind":"tell","payload":{"b":1}}' }],
      evaluations: [{ fact: { kind: "Item", id: "x" }, score: 0.5, reason: "half" }],
      trace: { why: [1, 2] },
      tokens: 3
    }
    const fault = { _tag: "AgentPanicked", message: "no", stack: "at" } as const
    const { messages, reads } = through((results) => {
      results.add(4, 1.5, "a", rest)
      results.add(0, 2, "a", fault)
      results.add(1, 0, "a", emptyEffect)
      expect(results.size).toBe(3)
    })
    expect(messages).toHaveLength(1)
    expect(messages[0]![2]).toBe(true)
    expect(reads).toEqual([
      { index: 4, ms: 1.5, result: rest },
      { index: 0, ms: 2, result: fault },
      { index: 1, ms: 0, result: emptyEffect }
    ])
    expect(Object.isFrozen((reads[0]!.result as EncodedEffect).facts[0]!.value)).toBe(true)
  })

  it("come in messages of a bounded size, but for a fact that is larger, and are put together again", () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `i${i}`)
    const long = Limits.packetLength * 2
    const { messages, reads } = through((results) => {
      results.add(0, 1, "a", effect(["before"]))
      results.add(1, 1, "a", effect(ids, 100))
      results.add(2, 1, "a", effect(["long"], long))
      results.add(3, 1, "a", effect(["after"]))
    })
    expect(messages.length).toBeGreaterThan(4)
    expect(messages.filter(([, , isLast]) => isLast)).toHaveLength(1)
    for (const [head, texts] of messages) {
      const [runs] = JSON.parse(head) as ResultsHead
      const count = runs.reduce((sum, [, ids]) => sum + ids.length, 0)
      expect(count).toBeLessThanOrEqual(Limits.packetFacts)
      if (count > 1) expect(texts.length).toBeLessThanOrEqual(Limits.packetLength + Limits.packetFacts)
    }
    expect(reads.map(({ index }) => index)).toEqual([0, 1, 2, 3])
    expect(reads.map(({ result }) => ("_tag" in result ? [] : result.facts.map(({ id }) => id)))).toEqual([
      ["before"],
      ids,
      ["long"],
      ["after"]
    ])
  })

  it("of a module that is another one than the job's are invalid, and say so once", () => {
    const odd = { ...kind, name: "Odd" }
    const facts = Array.from({ length: 600 }, (_, i) => ({ ...effect([`i${i}`]).facts[0]!, kind: odd }))
    const { reads } = through((results) => results.add(2, 1, "a", { ...emptyEffect, facts }))
    expect(new Set(reads.map(({ index }) => index))).toEqual(new Set([2]))
    expect(reads[0]!.result).toMatchObject({ _tag: "InvalidEffect", message: expect.stringContaining('"Odd"') })
  })
})
