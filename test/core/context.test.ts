/**
 * The context: commit order, deltas, layers, rollback, retention and counts. The first half states behaviours one by one,
 * the second runs long random histories against a model that keeps a plain list.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Fact, JobContext, Limits } from "../../src/index.ts"
import { emptyLedger, numbered, type Numbered, prune, put } from "../support/core/ledger.ts"
import { randomOf } from "../support/core/random.ts"
import type { Ledger } from "../../src/context/Ledger.ts"
import { liveFacts } from "../../src/journal/liveFacts.ts"
import { utf8Length } from "../../src/context/factTable.ts"
import { eraseKind } from "../../src/program/erased.ts"
import { runSteps } from "../../src/values/steps.ts"

const A = numbered("A", { conflict: "keepLast" })
const B = numbered("B")
const Recent = numbered("Recent", { conflict: "keepLast", retention: { latest: 3 } })

const ids = (facts: ReadonlyArray<Fact.Fact>) => facts.map((fact) => fact.id)
const numbers = (facts: ReadonlyArray<Fact.Fact>) => facts.map((fact) => (fact.value as Numbered).n)
const deltaIds = (ledger: Ledger, kind: Fact.Kind.Any, since: number) =>
  ledger.delta(kind.name, since).map((entry) => entry.fact.id)
const recent = [eraseKind(Recent)]

describe("a context", () => {
  it("holds facts in commit order, by kind and by id", () => {
    const ledger = emptyLedger()
    put(ledger, B, { id: "y", n: 1 })
    put(ledger, A, { id: "x", n: 2 })
    put(ledger, B, { id: "a", n: 3 })
    expect(ids(ledger.all(B))).toEqual(["y", "a"])
    expect(ledger.facts().map((fact) => `${fact.kind}/${fact.id}`)).toEqual(["B/y", "A/x", "B/a"])
    expect(ledger.facts().map((fact) => fact.provenance.version)).toEqual([1, 2, 3])
    expect(ledger.version).toBe(3)
    expect(Option.map(ledger.get(A, "x"), (fact) => fact.value.n)).toEqual(Option.some(2))
    expect(ledger.get(A, "y")).toEqual(Option.none())
    expect(ledger.counts()).toEqual({ A: 1, B: 2 })
    expect(ledger.size(Recent)).toBe(0)
    expect(ledger.all(Recent)).toEqual([])
  })

  it("gives a revised fact at the place of its revision, once", () => {
    const ledger = emptyLedger()
    for (const id of ["a", "b", "c"]) put(ledger, A, { id, n: 1 })
    put(ledger, A, { id: "a", n: 2 })
    expect(ids(ledger.all(A))).toEqual(["b", "c", "a"])
    expect(numbers(ledger.all(A))).toEqual([1, 1, 2])
    expect(ledger.size(A)).toBe(3)
    expect(ledger.version).toBe(4)
    expect(ids(ledger.facts())).toEqual(["b", "c", "a"])
  })

  it("gives as a delta what is alive after a version, revisions among it", () => {
    const ledger = emptyLedger()
    for (const id of ["a", "b", "c"]) put(ledger, A, { id, n: 1 })
    put(ledger, A, { id: "a", n: 2 })
    put(ledger, A, { id: "c", n: 2 })
    expect(deltaIds(ledger, A, 0)).toEqual(["b", "a", "c"])
    expect(deltaIds(ledger, A, 2)).toEqual(["a", "c"])
    expect(deltaIds(ledger, A, 5)).toEqual([])
    expect(ledger.newest("A")).toBe(5)
    expect(ledger.newest("B")).toBe(0)
    expect([...ledger.history()].map(({ fact }) => fact.provenance.version)).toEqual([1, 2, 3, 4, 5])
  })

  it("hands out frozen arrays and frozen facts", () => {
    const ledger = emptyLedger()
    put(ledger, A, { id: "a", n: 1 })
    const all = ledger.all(A) as Array<Fact.Fact>
    expect(() => all.push(all[0]!)).toThrow(TypeError)
    expect(() => Object.assign(all[0]!, { value: 1 })).toThrow(TypeError)
    expect(() => Object.assign(all[0]!.provenance, { cycle: 9 })).toThrow(TypeError)
    expect(() => (ledger.all(B) as Array<unknown>).push(1)).toThrow(TypeError)
  })

  it("gives an array that does not change when facts are added later", () => {
    const ledger = emptyLedger()
    put(ledger, A, { id: "a", n: 1 })
    const before = ledger.all(A)
    put(ledger, A, { id: "b", n: 1 })
    expect(ids(before)).toEqual(["a"])
    expect(ids(ledger.all(A))).toEqual(["a", "b"])
  })

  it("counts the UTF-8 bytes of what is alive", () => {
    const Text = Fact.kind("Text", {
      schema: Schema.Struct({ t: Schema.String }),
      id: () => "id",
      conflict: "keepLast"
    })
    const ledger = emptyLedger()
    for (const t of ["ascii", "é", "€", "😀", "\u0000", "x\ud800y", "\udc00", "a\ud83d\ude00é€"]) {
      put(ledger, Text, { t })
      const text = ledger.encoded()[0]!.text
      expect(ledger.contextBytes).toBe(Buffer.byteLength(text))
      expect(utf8Length(t)).toBe(Buffer.byteLength(t))
    }
  })

  it("keeps evaluations in commit order, frozen", () => {
    const ledger = emptyLedger()
    const ref = { kind: "A", id: "a" }
    expect(ledger.evaluations(ref)).toEqual([])
    ledger.addEvaluation({ fact: { ...ref }, score: 0.5, reason: "r", agent: "one", cycle: 1 })
    ledger.addEvaluation({ fact: { ...ref }, score: 0.7, reason: "s", agent: "two", cycle: 1 })
    const found = ledger.evaluations(ref)
    expect(found.map(({ score }) => score)).toEqual([0.5, 0.7])
    expect(() => (found as Array<unknown>).push(found[0])).toThrow(TypeError)
    expect(() => Object.assign(found[0]!, { score: 1 })).toThrow(TypeError)
    expect(() => Object.assign(found[0]!.fact, { id: "b" })).toThrow(TypeError)
  })

  it("does not confuse two facts whose kind and id run together", () => {
    const ledger = emptyLedger()
    ledger.addEvaluation({ fact: { kind: "A", id: "b/c" }, score: 0, reason: "", agent: "x", cycle: 1 })
    expect(ledger.evaluations({ kind: "A/b", id: "c" })).toEqual([])
    expect(ledger.evaluations({ kind: "A", id: "b/c" })).toHaveLength(1)
  })

  it("takes names that every object has", () => {
    const names = ["__proto__", "constructor", "toString", ""]
    const ledger = emptyLedger()
    for (const id of names) put(ledger, A, { id, n: 1 })
    expect(ids(ledger.all(A))).toEqual(names)
    for (const id of names) expect(Option.isSome(ledger.get(A, id))).toBe(true)
    expect(Option.isSome(ledger.get(A, "hasOwnProperty"))).toBe(false)
    const Proto = numbered("__proto__")
    put(ledger, Proto, { id: "x", n: 1 })
    expect(Object.entries(ledger.counts())).toEqual([
      ["A", 4],
      ["__proto__", 1]
    ])
  })

  it("that is sealed cannot be written", () => {
    const ledger = emptyLedger()
    ledger.seal()
    expect(() => put(ledger, A, { id: "a", n: 1 })).toThrow(/sealed/)
  })
})

describe("rollback", () => {
  it("undoes additions and revisions, newest first", () => {
    const ledger = emptyLedger()
    put(ledger, A, { id: "a", n: 1 })
    put(ledger, A, { id: "b", n: 1 })
    const before = { facts: ledger.facts(), bytes: ledger.contextBytes }
    put(ledger, A, { id: "a", n: 22 })
    put(ledger, A, { id: "a", n: 333 })
    put(ledger, A, { id: "c", n: 1 })
    put(ledger, B, { id: "d", n: 1 })
    ledger.rollback(2)
    expect(ledger.facts()).toEqual(before.facts)
    expect(ledger.contextBytes).toBe(before.bytes)
    expect(ledger.version).toBe(2)
    expect(ledger.counts()).toEqual({ A: 2 })
    put(ledger, A, { id: "c", n: 5 })
    expect(ledger.facts().map((fact) => fact.provenance.version)).toEqual([1, 2, 3])
    expect(deltaIds(ledger, A, 2)).toEqual(["c"])
  })

  it("forgets what was seen of what it undoes", () => {
    const ledger = emptyLedger()
    put(ledger, A, { id: "a", n: 1 })
    put(ledger, A, { id: "b", n: 1 })
    expect(ids(ledger.deltaFacts("A", 0))).toEqual(["a", "b"])
    expect(ids(ledger.all(A))).toEqual(["a", "b"])
    ledger.rollback(1)
    put(ledger, A, { id: "c", n: 1 })
    expect(ids(ledger.deltaFacts("A", 0))).toEqual(["a", "c"])
    expect(ids(ledger.all(A))).toEqual(["a", "c"])
  })

  it("of a revision of an earlier context's fact gives that fact back", () => {
    const base = emptyLedger()
    put(base, A, { id: "a", n: 1 })
    const ledger = emptyLedger(base.seal())
    put(ledger, A, { id: "a", n: 2 })
    put(ledger, A, { id: "a", n: 3 })
    ledger.rollback(1)
    expect(numbers(ledger.all(A))).toEqual([1])
    expect(ledger.size(A)).toBe(1)
    expect(ledger.contextBytes).toBe(base.contextBytes)
  })

  it("of a fact that had been pruned from an earlier context leaves it pruned", () => {
    const base = emptyLedger()
    for (const id of ["a", "b", "c"]) put(base, Recent, { id, n: 1 })
    const ledger = emptyLedger(base.seal())
    put(ledger, Recent, { id: "d", n: 1 })
    expect(prune(ledger, recent).map((entry) => entry.fact.id)).toEqual(["a"])
    put(ledger, Recent, { id: "a", n: 2 })
    ledger.rollback(4)
    expect(ids(ledger.all(Recent))).toEqual(["b", "c", "d"])
    expect(ledger.size(Recent)).toBe(3)
    expect(ledger.get(Recent, "a")).toEqual(Option.none())
  })
})

describe("retention", () => {
  it("keeps the latest facts by commit position; a revision counts as new", () => {
    const ledger = emptyLedger()
    for (const id of ["a", "b", "c"]) put(ledger, Recent, { id, n: 1 })
    expect(prune(ledger, recent)).toEqual([])
    put(ledger, Recent, { id: "a", n: 2 })
    put(ledger, Recent, { id: "d", n: 1 })
    expect(prune(ledger, recent).map((entry) => entry.fact.id)).toEqual(["b"])
    expect(ids(ledger.all(Recent))).toEqual(["c", "a", "d"])
    expect(ledger.size(Recent)).toBe(3)
    expect(ledger.contextBytes).toBe(ledger.encoded().reduce((sum, { text }) => sum + text.length, 0))
  })

  it("leaves other kinds alone, and what was pruned out of deltas", () => {
    const ledger = emptyLedger()
    for (const id of ["a", "b", "c", "d", "e"]) {
      put(ledger, Recent, { id, n: 1 })
      put(ledger, A, { id, n: 1 })
    }
    prune(ledger, [...recent, eraseKind(A)])
    expect(deltaIds(ledger, Recent, 0)).toEqual(["c", "d", "e"])
    expect(deltaIds(ledger, Recent, 2)).toEqual(["c", "d", "e"])
    expect(ledger.newest("Recent")).toBe(9)
    expect(ledger.size(A)).toBe(5)
  })

  it("prunes facts of an earlier context without changing it", () => {
    const base = emptyLedger()
    for (const id of ["a", "b", "c"]) put(base, Recent, { id, n: 1 })
    base.seal()
    const ledger = emptyLedger(base)
    put(ledger, Recent, { id: "d", n: 1 })
    put(ledger, Recent, { id: "e", n: 1 })
    prune(ledger, recent)
    expect(ids(ledger.all(Recent))).toEqual(["c", "d", "e"])
    expect(ids(base.all(Recent))).toEqual(["a", "b", "c"])
    put(ledger, Recent, { id: "a", n: 9 })
    prune(ledger, recent)
    expect(ids(ledger.all(Recent))).toEqual(["d", "e", "a"])
  })
})

describe("a context on top of another", () => {
  it("shows both, and writes only to itself", () => {
    const base = emptyLedger()
    for (const id of ["a", "b"]) put(base, A, { id, n: 1 })
    base.setHash("hash-of-base")
    base.seal()
    const ledger = emptyLedger(base)
    expect(ledger.version).toBe(2)
    expect(ledger.hash).toBe("hash-of-base")
    put(ledger, A, { id: "a", n: 2 })
    put(ledger, A, { id: "c", n: 1 })
    expect(ids(ledger.all(A))).toEqual(["b", "a", "c"])
    expect(ids(base.all(A))).toEqual(["a", "b"])
    expect(ledger.facts().map((fact) => fact.provenance.version)).toEqual([2, 3, 4])
    expect(deltaIds(ledger, A, 0)).toEqual(["b", "a", "c"])
    expect(deltaIds(ledger, A, 1)).toEqual(["b", "a", "c"])
    expect(deltaIds(ledger, A, 2)).toEqual(["a", "c"])
    expect(ledger.size(A)).toBe(3)
    expect(base.size(A)).toBe(2)
  })

  it("shows the evaluations of both, in order", () => {
    const ref = { kind: "A", id: "a" }
    const base = emptyLedger()
    base.addEvaluation({ fact: ref, score: 0.1, reason: "", agent: "x", cycle: 1 })
    const ledger = emptyLedger(base.seal())
    ledger.addEvaluation({ fact: ref, score: 0.2, reason: "", agent: "y", cycle: 1 })
    expect(ledger.evaluations(ref).map(({ score }) => score)).toEqual([0.1, 0.2])
    expect(base.evaluations(ref)).toHaveLength(1)
  })

  it("is the same after any number of layers, also past the limit at which they are joined", () => {
    let context: JobContext.JobContext | undefined
    for (let layer = 0; layer < Limits.contextLayers * 2 + 3; layer++) {
      const ledger = emptyLedger(context)
      put(ledger, A, { id: `n${layer}`, n: layer })
      put(ledger, A, { id: "shared", n: layer })
      put(ledger, Recent, { id: `r${layer}`, n: layer })
      ledger.addEvaluation({ fact: { kind: "A", id: "shared" }, score: 0, reason: String(layer), agent: "x", cycle: 1 })
      prune(ledger, recent)
      if (context !== undefined) expect(ledger.hash).toBe(context.hash)
      ledger.setHash(`hash ${layer}`)
      expect((ledger as unknown as { readonly depth: number }).depth).toBeLessThanOrEqual(Limits.contextLayers)
      context = ledger.seal()
    }
    const last = Limits.contextLayers * 2 + 2
    const final = context!
    expect(final.version).toBe((last + 1) * 3)
    expect(final.size(A)).toBe(last + 2)
    expect(ids(final.all(A))).toEqual([...Array.from({ length: last + 1 }, (_, n) => `n${n}`), "shared"])
    expect(ids(final.all(Recent))).toEqual([`r${last - 2}`, `r${last - 1}`, `r${last}`])
    expect(final.evaluations({ kind: "A", id: "shared" }).map(({ reason }) => reason)).toEqual(
      Array.from({ length: last + 1 }, (_, n) => String(n))
    )
    expect(final.contextBytes).toBe(final.encoded().reduce((sum, { text }) => sum + text.length, 0))
  })
})

/* ---------------------------------------------------------------- random histories */

interface Line {
  readonly kind: Fact.Kind.Any
  readonly id: string
  readonly n: number
  readonly position: number
}

/** A context, said the long way. */
class Model {
  lines: ReadonlyArray<Line> = []
  history: ReadonlyArray<Line> = []
  version = 0

  alive(kind: Fact.Kind.Any): ReadonlyArray<Line> {
    return this.lines.filter((line) => line.kind === kind)
  }

  put(kind: Fact.Kind.Any, id: string, n: number): void {
    const line = { kind, id, n, position: ++this.version }
    this.lines = [...this.lines.filter((other) => other.kind !== kind || other.id !== id), line]
    this.history = [...this.history, line]
  }

  prune(kind: Fact.Kind.Any, latest: number): ReadonlyArray<string> {
    const gone = this.alive(kind).slice(0, Math.max(0, this.alive(kind).length - latest))
    this.lines = this.lines.filter((line) => !gone.includes(line))
    return gone.map(({ id }) => id)
  }

  copy(): Model {
    return Object.assign(new Model(), this)
  }
}

const kinds = [A, B, Recent] as const
const show = ({ id, n, position }: Line) => `${id}=${n}@${position}`
const showFact = ({ id, provenance, value }: Fact.Fact) => `${id}=${(value as Numbered).n}@${provenance.version}`

const compare = (ledger: Ledger, model: Model, since: number): void => {
  expect(ledger.version).toBe(model.version)
  let bytes = 0
  for (const kind of kinds) {
    const alive = model.alive(kind)
    expect(ledger.all(kind).map(showFact)).toEqual(alive.map(show))
    expect(ledger.size(kind)).toBe(alive.length)
    const after = alive.filter(({ position }) => position > since)
    expect(ledger.delta(kind.name, since).map(({ fact }) => showFact(fact))).toEqual(after.map(show))
    expect([...ledger.liveAfter(kind.name, since)].map(({ fact }) => showFact(fact))).toEqual(after.map(show))
    expect(ledger.deltaFacts(kind.name, since).map(showFact)).toEqual(after.map(show))
    expect(ledger.newest(kind.name)).toBe(alive.at(-1)?.position ?? 0)
    for (const line of alive) bytes += `{"id":"${line.id}","n":${line.n}}`.length
    for (const id of ["a", "b", "c", "d", "e", "f"]) {
      const line = alive.find((other) => other.id === id)
      expect(Option.map(ledger.get(kind, id), showFact)).toEqual(
        line === undefined ? Option.none() : Option.some(show(line))
      )
    }
  }
  expect(ledger.contextBytes).toBe(bytes)
  expect(runSteps(liveFacts(ledger))).toEqual(ledger.encoded())
  expect(ledger.facts().map(showFact)).toEqual(model.lines.map(show))
  expect([...ledger.history()].map(({ fact }) => showFact(fact))).toEqual(model.history.map(show))
}

const runHistory = (seed: number): void => {
  const random = randomOf(seed)
  const id = () => ["a", "b", "c", "d", "e", "f"][random.below(6)]!
  let ledger = emptyLedger()
  let model = new Model()
  // A cycle: some facts, of which some are undone, as the merge does; then it is committed, and retention prunes.
  for (let cycle = 0; cycle < 30; cycle++) {
    const begin = model.copy()
    for (let effect = random.below(4); effect > 0; effect--) {
      const before = model.copy()
      for (let count = random.below(5); count > 0; count--) {
        const value = { id: id(), n: random.below(1_000) }
        const kind = kinds[random.below(3)]!
        put(ledger, kind, value)
        model.put(kind, value.id, value.n)
      }
      if (random.below(3) === 0) {
        ledger.rollback(before.version)
        model = before
      }
      compare(ledger, model, random.below(model.version + 1))
    }
    if (random.below(5) === 0) {
      ledger.rollback(begin.version)
      model = begin
    }
    const pruned = prune(ledger, recent).map(({ fact }) => fact.id)
    expect(pruned).toEqual(model.prune(Recent, 3))
    compare(ledger, model, random.below(model.version + 1))
    if (random.below(3) === 0) ledger = emptyLedger(ledger.seal())
    compare(ledger, model, random.below(model.version + 1))
  }
}

describe("any history of additions, revisions, rollbacks, prunings and layers", () => {
  it("leaves what a plain list of facts would hold", () => {
    for (let seed = 1; seed <= 60; seed++) {
      try {
        runHistory(seed)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  })
})
