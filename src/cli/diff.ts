/**
 * `converge diff`: the changes from one context to another: of two cycles of a job, or of two jobs, such as a job and its fork.
 *
 * Boundary: journals in, a page or JSON out; journal/changes.ts compares two jobs.
 */
import * as Effect from "effect/Effect"
import { type Change, changesBetween } from "../journal/changes.ts"
import * as Journal from "../journal/Journal.ts"
import { factJson as encodedFact } from "../outcome/resultJson.ts"
import { inSlices } from "../platform/slices.ts"
import type { Fact } from "../program/Fact.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { byWhom, factJson, type JobOptions, type Page, show } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { inlineJson, nameOf, oneLine, plural, thousands, toPlain, truncate } from "./text.ts"

export interface DiffOptions extends JobOptions {
  readonly from: number | undefined
  readonly to: number | undefined
}

/** The two contexts that are compared. Of two jobs, a cycle that is left out is the last. */
type Compared =
  | { readonly _tag: "Cycles"; readonly jobId: string; readonly from: number; readonly to: number }
  | {
      readonly _tag: "Jobs"
      readonly jobId: string
      readonly other: string
      readonly from: number | undefined
      readonly to: number | undefined
    }

const isCycle = (text: string): boolean => /^\d{1,15}$/.test(text)

/** A path or the name of a file of code. An id of a job has no slash. */
const isModule = (text: string): boolean => /[\\/]|\.[cm]?[jt]sx?$/.test(text)

const unclear =
  "diff needs a job and two cycles, or two jobs, as in: converge diff audit 3 4 --store jobs.db, or: " +
  "converge diff audit audit-fork --store jobs.db"

const comparedOf = ({ args, from, id, to }: DiffOptions): Effect.Effect<Compared, UsageError> =>
  Effect.gen(function* () {
    const hasCycles = args.length > 1 && args.slice(-2).every(isCycle)
    if (from !== undefined && to !== undefined) {
      const isOne = id === undefined ? args.length < 2 || isModule(args[0] ?? "") : args.length === 0
      if (isOne) return { _tag: "Cycles", jobId: yield* jobIdOf(args, id), from, to }
    } else if (hasCycles && from === undefined && to === undefined) {
      const jobId = yield* jobIdOf(args.slice(0, -2), id)
      return { _tag: "Cycles", jobId, from: Number(args.at(-2)), to: Number(args.at(-1)) }
    }
    const [jobId, other, ...more] = id === undefined ? args : [id, ...args]
    if (jobId === undefined || other === undefined || more.length > 0 || isCycle(other)) {
      return yield* new UsageError({ message: unclear })
    }
    return { _tag: "Jobs", jobId, other, from, to }
  })

/** The changes of some cycles, or from one job to another. Evaluations belong to cycles. */
type Found = Omit<Journal.Diff, "evaluations"> & {
  readonly other?: string
  readonly evaluations?: Journal.Diff["evaluations"]
}

const pointOf = ({ cycle, hash, version }: Journal.Replayed) => ({ cycle, version, hash })

const factOf = ({ fact, text }: NonNullable<Change["after"]>): Fact => {
  const { id, kind, provenance, value } = encodedFact({ fact, text })
  return { kind, id, value, provenance }
}

const ofJobs = Effect.fnUntraced(function* ({ from, jobId, other, to }: Extract<Compared, { readonly _tag: "Jobs" }>) {
  const before = yield* Journal.replay(jobId, { at: from })
  const after = yield* Journal.replay(other, { at: to })
  const changes = yield* inSlices(changesBetween(before.context, after.context, jobId === other))
  const found: Found = {
    jobId,
    other,
    program: after.program,
    from: pointOf(before),
    to: pointOf(after),
    added: changes.flatMap((change) => (change.change === "added" ? [factOf(change.after)] : [])),
    revised: changes.flatMap((change) =>
      change.change === "revised" ? [{ before: factOf(change.before), after: factOf(change.after) }] : []
    ),
    removed: changes.flatMap((change) => (change.change === "removed" ? [factOf(change.before)] : []))
  }
  return found
})

export const diff = (host: Host, options: DiffOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(comparedOf(options), (compared) =>
    show(
      host,
      options,
      compared._tag === "Jobs"
        ? ofJobs(compared)
        : Effect.map(Journal.diff(compared.jobId, compared.from, compared.to), (found): Found => found),
      ({ added, evaluations, removed, revised, ...rest }) => ({
        ...rest,
        added: added.map(factJson),
        revised: revised.map(({ after, before }) => ({ before: factJson(before), after: factJson(after) })),
        removed: removed.map(factJson),
        ...(evaluations === undefined ? {} : { evaluations })
      }),
      pageOf
    )
  )

const headOf = ({ from, jobId, other, to }: Found): string => {
  if (other === undefined) return `${oneLine(jobId)}: cycle ${thousands(from.cycle)} → ${thousands(to.cycle)}`
  const [before, after] = [`cycle ${thousands(from.cycle)}`, `cycle ${thousands(to.cycle)}`]
  return `${oneLine(jobId)}, ${before} → ${oneLine(other)}, ${after}`
}

const pageOf = (found: Found, { style, width }: Page): string => {
  const { added, evaluations, removed, revised } = found
  const counts = [
    `${thousands(added.length)} added`,
    `${thousands(revised.length)} revised`,
    `${thousands(removed.length)} removed`,
    ...(evaluations === undefined ? [] : [plural(evaluations.length, "evaluation")])
  ]
  const head = `${style("bold", headOf(found))}${style("dim", `  ${counts.join(", ")}`)}`
  const valueOf = (fact: Fact): string => truncate(oneLine(inlineJson(toPlain(fact.value))), width - 4)
  const lines = [
    ...added.flatMap((fact) => [
      `${style("green", `+ ${nameOf(fact)}`)}  ${style("dim", byWhom(fact))}`,
      `    ${valueOf(fact)}`
    ]),
    ...revised.flatMap(({ after, before }) => [
      `${style("yellow", `~ ${nameOf(after)}`)}  ${style("dim", byWhom(after))}`,
      `  ${style("red", "-")} ${valueOf(before)}`,
      `  ${style("green", "+")} ${valueOf(after)}`
    ]),
    ...removed.flatMap((fact) => [
      `${style("red", `- ${nameOf(fact)}`)}  ${style("dim", byWhom(fact))}`,
      `    ${valueOf(fact)}`
    ]),
    ...(evaluations ?? []).map(({ agent, cycle, fact, reason, score }) => {
      const about = `${oneLine(fact.kind)}/${oneLine(fact.id)}`
      return `${style("cyan", `* ${about}`)}  ${score}  ${oneLine(reason)}  ${style("dim", `${oneLine(agent)}, cycle ${cycle}`)}`
    })
  ]
  return [head, ...lines].join("\n")
}
