/** The facts that follow from a fact with their causes, and the changes between contexts, against plain models. */
import { describe, expect, it } from "vitest"
import type { Fact, JobContext } from "../../src/index.ts"
import { Ledger } from "../../src/context/Ledger.ts"
import { Limits } from "../../src/Limits.ts"
import { liveFacts } from "../../src/journal/liveFacts.ts"
import { changesBetween } from "../../src/journal/changes.ts"
import { relatedTo, type Relation } from "../../src/journal/lineage.ts"
import { eraseKind } from "../../src/program/erased.ts"
import { lightStepSize, runSteps } from "../../src/values/steps.ts"
import { numbered, prune, seedProvenance } from "../support/core/ledger.ts"
import { randomOf } from "../support/core/random.ts"

const kinds = [
  numbered("A", { conflict: "keepLast" }),
  numbered("B", { conflict: "keepLast", retention: { latest: 3 } }),
  numbered("C")
].map(eraseKind)

const triggers = new Map([
  ["reads A", ["A"]],
  ["reads A and B", ["A", "B"]],
  ["reads nothing", []]
])

/** A context of random facts: seeds, facts of tasks about one fact, about all that was new, and with reasons. */
const makeContext = (seed: number, most = 40): Ledger => {
  const random = randomOf(seed)
  const ledger = Ledger.make("p", triggers)
  const marks = new Map<string, number>()
  const put = (by: Partial<Fact.Provenance>, because?: ReadonlyArray<number>): void => {
    const kind = kinds[random.below(3)]!
    const id = String(random.below(12))
    if (kind.name === "C" && ledger.find("C", id) !== undefined) return
    const { text, value } = kind.codec.encode({ id, n: random.below(1_000) })
    ledger.add(kind, id, value, text, { ...seedProvenance, ...by }, because)
  }
  for (let n = 0; n < 5; n++) put({})
  for (let cycle = 1; ledger.version < most; cycle++) {
    const until = ledger.version
    for (const agent of random.shuffle([...triggers.keys()]).slice(0, 1 + random.below(3))) {
      const since = marks.get(agent) ?? 0
      marks.set(agent, until)
      const facts = 1 + random.below(3)
      const way = random.below(3)
      const live = ledger.facts()
      const each = live[random.below(live.length)]!
      for (let n = 0; n < facts; n++) {
        const by = { cycle, origin: "agent" as const, agent, since, until }
        if (way === 0) put({ ...by, since: 0, each: { kind: each.kind, id: each.id } })
        else if (way === 1) put(by)
        else
          put(
            by,
            Array.from({ length: random.below(4) }, () => 1 + random.below(until))
          )
      }
    }
    prune(
      ledger,
      kinds.filter(({ name }) => name === "B")
    )
  }
  return ledger
}

const nameOf = ({ fact }: { readonly fact: Fact.Fact }) => `${fact.kind}/${fact.id}@${fact.provenance.version}`

/** The same by looking down from each fact, version by version. */
const model = (context: JobContext.JobContext, ref: Fact.FactRef, relation: Relation): ReadonlyArray<string> => {
  const isRef = (fact: Fact.Fact): boolean => fact.kind === ref.kind && fact.id === ref.id
  const holds = relatedVersion(context, isRef, relation)
  const history = [...context.history()]
  return context
    .encoded()
    .filter(({ fact }) => !isRef(fact))
    .filter(({ fact }) => {
      const versions = history.filter((other) => other.fact.kind === fact.kind && other.fact.id === fact.id)
      return relation === "follows" ? holds(fact) : versions.every((other) => holds(other.fact))
    })
    .map(nameOf)
}

describe("the facts that are related to a fact", () => {
  it.each<Relation>(["follows", "needs"])("are those of a search down from every fact: %s", (relation) => {
    let [related, both] = [0, 0]
    for (let seed = 1; seed <= 25; seed++) {
      const context = makeContext(seed)
      for (const { fact } of context.history()) {
        const ref = { kind: fact.kind, id: fact.id }
        const found = runSteps(relatedTo(context, ref, relation))?.facts.map(nameOf)
        expect(found, `seed ${seed}, ${JSON.stringify(ref)}`).toEqual(model(context, ref, relation))
        related += found!.length
        both += found!.length > 0 && found!.length < context.facts().length - 1 ? 1 : 0
      }
    }
    expect(related).toBeGreaterThan(200)
    expect(both).toBeGreaterThan(50)
  })

  it("are those up to a version, and there are none of what the context never had", () => {
    const context = makeContext(3)
    expect(runSteps(relatedTo(context, { kind: "A", id: "none" }, "follows"))).toBeUndefined()
    expect(runSteps(relatedTo(context, { kind: "none", id: "1" }, "needs"))).toBeUndefined()
    for (const { fact } of context.history()) {
      const some = runSteps(relatedTo(context, fact, "follows", 20))?.facts ?? []
      expect(some.every(({ fact: { provenance } }) => provenance.version <= 20)).toBe(true)
    }
  })
})

/** The causes of each fact of a lineage, by looking down from it. */
const causesModel = (
  context: JobContext.JobContext,
  ref: Fact.FactRef,
  relation: Relation
): ReadonlyArray<{ readonly causes: ReadonlyArray<number>; readonly indirect: ReadonlyArray<number> }> => {
  const isRef = (fact: Fact.Fact): boolean => fact.kind === ref.kind && fact.id === ref.id
  const named = new Set(model(context, ref, relation))
  const isShown = (fact: Fact.Fact): boolean => named.has(nameOf({ fact }))
  const isRelated = relatedVersion(context, isRef, relation)
  const down = (fact: Fact.Fact): { readonly direct: Set<number>; readonly behind: Set<number> } => {
    const direct = new Set<number>()
    const behind = new Set<number>()
    for (const cause of context.causesOf(fact)) {
      if (isRef(cause)) direct.add(0)
      else if (isShown(cause)) direct.add(cause.provenance.version)
      else if (isRelated(cause)) {
        const further = down(cause)
        for (const version of [...further.direct, ...further.behind]) behind.add(version)
      }
    }
    return { direct, behind }
  }
  const inOrder = (versions: Iterable<number>) => [...versions].sort((a, b) => a - b)
  return context
    .encoded()
    .filter(({ fact }) => isShown(fact))
    .map(({ fact }) => {
      const { behind, direct } = down(fact)
      return { causes: inOrder(direct), indirect: inOrder(behind).filter((version) => !direct.has(version)) }
    })
}

/** Whether a version of a fact comes from another fact, or needs it. */
const relatedVersion = (
  context: JobContext.JobContext,
  isRef: (fact: Fact.Fact) => boolean,
  relation: Relation
): ((fact: Fact.Fact) => boolean) => {
  const known = new Map<number, boolean>()
  const holds = (fact: Fact.Fact): boolean => {
    if (isRef(fact)) return true
    const { because, version } = fact.provenance
    const present = known.get(version)
    if (present !== undefined) return present
    const causes = context.causesOf(fact)
    const is =
      relation === "follows" || because !== undefined ? causes.some(holds) : causes.length > 0 && causes.every(holds)
    known.set(version, is)
    return is
  }
  return holds
}

describe("the causes of the facts that are related to a fact", () => {
  it.each<Relation>(["follows", "needs"])("are those of a search down, and each leads back to it: %s", (relation) => {
    let [direct, indirect] = [0, 0]
    for (let seed = 1; seed <= 25; seed++) {
      const context = makeContext(seed)
      for (const { fact } of context.history()) {
        const ref = { kind: fact.kind, id: fact.id }
        const lineage = runSteps(relatedTo(context, ref, relation))!
        const causes = runSteps(lineage.causesOf(lineage.facts))
        const expected = causesModel(context, ref, relation).map((found) => ({ ...found, omitted: 0 }))
        expect(causes, `seed ${seed}, ${JSON.stringify(ref)}`).toEqual(expected)
        lineage.facts.forEach(({ fact: { provenance } }, index) => {
          const all = [...causes[index]!.causes, ...causes[index]!.indirect]
          expect(all.length).toBeGreaterThan(0)
          // So every beginning of the list is whole.
          expect(Math.max(...all)).toBeLessThan(provenance.version)
          direct += causes[index]!.causes.length
          indirect += causes[index]!.indirect.length
        })
        const some = lineage.facts.slice(1, 3)
        expect(runSteps(lineage.causesOf(some))).toEqual(causes.slice(1, 3))
      }
    }
    expect(direct).toBeGreaterThan(200)
    expect(indirect).toBeGreaterThan(50)
  })

  it("are the first ones where there are many, with the number of others", () => {
    const kind = eraseKind(numbered("A"))
    const ledger = Ledger.make("p", new Map())
    const put = (id: string, because?: ReadonlyArray<number>): void => {
      const { text, value } = kind.codec.encode({ id, n: 0 })
      ledger.add(kind, id, value, text, { ...seedProvenance, ...(because && { origin: "agent" }) }, because)
    }
    put("root")
    const most = Limits.lineageCauses
    for (let n = 0; n < most + 5; n++) put(String(n), [1])
    put(
      "last",
      Array.from({ length: most + 6 }, (_, n) => most + 6 - n)
    )
    const lineage = runSteps(relatedTo(ledger, { kind: "A", id: "root" }, "follows"))!
    const causes = runSteps(lineage.causesOf(lineage.facts.slice(-1)))
    const first = Array.from({ length: most }, (_, n) => (n === 0 ? 0 : n + 1))
    expect(causes).toEqual([{ causes: first, indirect: [], omitted: 6 }])
  })
})

describe("the changes between two contexts", () => {
  const plain = (context: JobContext.JobContext) =>
    new Map(
      context.encoded().map(({ fact, text }) => [`${fact.kind}/${fact.id}`, `${text}@${fact.provenance.version}`])
    )
  const valueOf = (text: string, isOneJob: boolean) => (isOneJob ? text : text.replace(/@\d+$/, ""))

  it.each([true, false])("are what differs in plain maps of them (of one job: %s)", (isOneJob) => {
    let seen = 0
    for (let seed = 1; seed <= 40; seed++) {
      const before = makeContext(seed, 20)
      const after = isOneJob ? makeContext(seed, 40) : makeContext(seed + 1_000, 30)
      const [one, two] = [plain(before), plain(after)]
      const changes = runSteps(changesBetween(before, after, isOneJob))
      const of = (wanted: string) =>
        changes
          .filter(({ change }) => change === wanted)
          .map(({ after, before }) => nameOf(after ?? before).replace(/@\d+$/, ""))
          .sort()
      expect(of("added")).toEqual([...two.keys()].filter((key) => !one.has(key)).sort())
      expect(of("removed")).toEqual([...one.keys()].filter((key) => !two.has(key)).sort())
      const revised = [...two].filter(
        ([key, text]) => one.has(key) && valueOf(one.get(key)!, isOneJob) !== valueOf(text, isOneJob)
      )
      expect(of("revised")).toEqual(revised.map(([key]) => key).sort())
      seen += changes.length
      expect(runSteps(changesBetween(after, after, isOneJob))).toEqual([])
    }
    expect(seen).toBeGreaterThan(200)
  })
})

describe("a question about a large context", () => {
  const kind = eraseKind(numbered("A", { conflict: "keepLast" }))
  const ledger = Ledger.make("p", new Map())
  const put = (id: string, n: number): void => {
    const { text, value } = kind.codec.encode({ id, n })
    ledger.add(kind, id, value, text, { ...seedProvenance, origin: "agent" }, [1])
  }
  for (let n = 0; n < 20_000; n++) put(String(n), n)
  // Facts that were revised take time, too.
  for (let n = 0; n < 20_000; n++) put("0", n)
  const whole = ledger.version

  /** Steps that a generator takes. */
  const stepsOf = (steps: Generator<void, unknown>): number => {
    let count = 0
    while (steps.next().done !== true) count++
    return count
  }

  it.each([
    ["the live facts", () => liveFacts(ledger), whole],
    ["the changes between two contexts", () => changesBetween(ledger, ledger, true), 2 * whole],
    ["the facts that follow from one", () => relatedTo(ledger, { kind: "A", id: "0" }, "follows"), whole + 20_000]
  ])("is answered in steps: %s", (_, ask, parts) => {
    expect(stepsOf(ask())).toBeGreaterThanOrEqual(Math.floor(parts / lightStepSize) - 1)
  })
})
