/**
 * The requests of a typed client: values to JSON by the program's schemas, and answers to values.
 *
 * Boundary: over Effect's HttpApiClient; Client.ts has the public names.
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Budget } from "../program/Budget.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"
import type { Proposal } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import { jobProblems } from "../server/problemLists.ts"
import * as Problems from "../server/problems.ts"
import type * as Shapes from "../server/shapes.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { millisOf } from "../values/options.ts"
import { describeError } from "../values/panic.ts"
import { parseJson } from "../values/parseJson.ts"
import type { Calls, JobProblem, SteerError } from "./calls.ts"
import { connectTo } from "./connect.ts"
import { eventsOf, telemetryOf } from "./follow.ts"
import type { Approval, JobsQuery, ProgramClient, RemoteJob, Result, StartOptions } from "./programClient.ts"

const unfit = (program: string, where: string, error: unknown): Problems.InvalidInput =>
  new Problems.InvalidInput({
    program,
    detail: `${where}: ${isInvalidValue(error) ? error.message : describeError(error)}`
  })

/** A value as the JSON of its schema. */
const encode = (
  { name }: CompiledProgram,
  where: string,
  text: () => string
): Effect.Effect<Schema.Json, Problems.InvalidInput> =>
  Effect.try({ try: () => parseJson(text()) as Schema.Json, catch: (error) => unfit(name, where, error) })

const limitJson = (limit: number | undefined) => (limit === Infinity ? ("unlimited" as const) : limit)

type Time = Budget["maxDuration"]

const timeJson = (time: Time): number | undefined => {
  const ms = time === undefined ? Infinity : millisOf(time)
  return ms === Infinity ? undefined : Math.ceil(ms)
}

/** A budget as the API takes it: times in milliseconds. A time without an end is left out: there is none by default. */
const budgetJson = ({ maxCpuTime, maxDuration, ...counts }: Budget): typeof Shapes.Budget.Type => ({
  ...Object.fromEntries(Object.entries(counts).map(([name, limit]) => [name, limitJson(limit)])),
  ...(timeJson(maxDuration) === undefined ? {} : { maxDuration: timeJson(maxDuration) }),
  ...(timeJson(maxCpuTime) === undefined ? {} : { maxCpuTime: timeJson(maxCpuTime) })
})

const bodyOf = (compiled: CompiledProgram, input: unknown, { attributes, budget, id }: StartOptions) =>
  Effect.flatMap(
    encode(compiled, "input", () => compiled.inputCodec.encode(input).text),
    (json) =>
      Effect.map(
        Effect.try({
          try: () => (budget === undefined ? {} : { budget: budgetJson(budget) }),
          catch: (error) => unfit(compiled.name, "budget", error)
        }),
        (limits) => ({
          ...{ program: compiled.name, input: json, ...limits },
          ...(id === undefined ? {} : { id }),
          ...(attributes === undefined ? {} : { attributes })
        })
      )
  )

/** Proposals as the API takes them. */
const signalBody = (compiled: CompiledProgram, proposals: ReadonlyArray<Proposal<string, unknown>>) =>
  Effect.map(
    Effect.forEach(proposals, ({ kind, value }, index) => {
      const known = compiled.kinds.get(kind)
      const where = `facts[${index}]`
      return known === undefined
        ? Effect.fail(unfit(compiled.name, where, new Error(`the program has no kind ${JSON.stringify(kind)}`)))
        : Effect.map(
            encode(compiled, where, () => known.codec.encode(value).text),
            (json) => ({ kind, value: json })
          )
    }),
    (facts) => ({ facts })
  )

/**
 * A result with its output decoded, if the program has a schema of it. The casts: `refuseOther` has found that the server's
 * program is the client's.
 */
const resultOf = <P extends Program.Any>(
  { output }: CompiledProgram,
  result: typeof Shapes.Result.Type
): Effect.Effect<Result<P>, Schema.SchemaError> =>
  output?.schema === undefined
    ? Effect.succeed(result as Result<P>)
    : Effect.map(
        Schema.decodeUnknownEffect(Schema.toCodecJson(output.schema))(result.output),
        (decoded) => ({ ...result, output: decoded }) as Result<P>
      )

/** Asks for the version of a program that is served. */
type VersionOf = Effect.Effect<string | undefined, SteerError>

/**
 * Refuses the result of a job whose program is not the client's, by its name, and by its version where both sides declare one.
 * The types of the client would be wrong for it.
 */
const refuseOther = (
  { name, version }: CompiledProgram,
  versionOf: VersionOf,
  { jobId, program }: { readonly jobId: string; readonly program: string }
): Effect.Effect<void, SteerError> => {
  const refuse = (from: string, reason: string) =>
    Effect.fail(new Problems.ProgramChanged({ jobId, program, kinds: [], from, to: version, reason, detail: reason }))
  const [own, other] = [JSON.stringify(name), JSON.stringify(program)]
  if (program !== name) {
    return refuse(
      "",
      `the job ${jobId} is of the program ${other}, and the client is of ${own}: make a client of ${other}`
    )
  }
  if (version === "") return Effect.void
  return Effect.flatMap(versionOf, (served) =>
    served === undefined || served === "" || served === version
      ? Effect.void
      : refuse(
          served,
          `the server has version ${JSON.stringify(served)} of the program ${own}, and the client has ${JSON.stringify(version)}: ` +
            "make the client of the same version"
        )
  )
}

const JobProblems = Schema.Union(jobProblems)
const isJobProblem = Schema.is(JobProblems)

/** The problem that a start of the job would have been answered with. */
const problemOf = ({ error, ...partial }: typeof Shapes.Result.Type) =>
  Schema.decodeUnknownEffect(JobProblems)({
    ...error,
    type: `urn:effect-converge:${error?._tag ?? ""}`,
    status: 500,
    title: "",
    detail: typeof error?.["message"] === "string" ? error["message"] : undefined,
    jobId: partial.jobId,
    partial: { ...partial, error }
  })

/** All pages of a list, one after the other. */
const pagesOf = <E>(
  read: (cursor: string | undefined) => Effect.Effect<typeof Shapes.ApprovalPage.Type, E>
): Stream.Stream<Approval, E> =>
  Stream.paginate(undefined as string | undefined, (cursor) =>
    Effect.map(
      read(cursor),
      ({ approvals, cursor }) => [approvals, cursor === null ? Option.none() : Option.some(cursor)] as const
    )
  )

const cursorOf = (cursor: string | undefined) => (cursor === undefined ? {} : { cursor })

/** The query of a list. The definition of the API writes each of its attributes. */
const listQuery = (program: string, { attributes, ...rest }: JobsQuery) => ({
  ...rest,
  program,
  ...(attributes === undefined
    ? {}
    : { attribute: Object.entries(attributes).map(([name, value]) => `${name}:${value}`) })
})

const jobOf = <P extends Program.Any>(
  calls: Calls,
  compiled: CompiledProgram,
  versionOf: VersionOf,
  id: string
): RemoteJob<P> => {
  const params = { id }
  const status = calls.get({ params, query: {} })
  const events: RemoteJob<P>["events"] = (options) => eventsOf(calls, id, options?.after ?? 0)
  const ended = Effect.flatMap(
    Effect.tap(status, (job) => refuseOther(compiled, versionOf, job)),
    (job) => (job.result === null ? Effect.andThen(Stream.runDrain(events()), status) : Effect.succeed(job))
  )
  return {
    id,
    status,
    events,
    result: Effect.flatMap(ended, ({ result }) => {
      if (result === null) return Effect.die(new Error(`the log of job ${id} ended, and the job has no result`))
      return result.error === null
        ? resultOf<P>(compiled, result)
        : Effect.flatMap(problemOf(result), (problem) => Effect.fail(problem))
    }),
    signal: (proposals) =>
      Effect.flatMap(signalBody(compiled, proposals), (payload) => calls.signal({ params, payload })),
    telemetry: telemetryOf(calls, id),
    approvals: {
      list: Stream.runCollect(pagesOf((cursor) => calls.approvals({ params, query: cursorOf(cursor) }))),
      page: (query = {}) => calls.approvals({ params, query }),
      answer: (approval, { by, decision, note }) => {
        const more = { ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
        return calls.answerApproval({ params, payload: { approval, decision, ...more } })
      }
    },
    pause: calls.pause({ params }),
    resume: calls.resume({ params }),
    cancel: calls.cancel({ params }),
    delete: Effect.map(calls.delete({ params }), ({ deleted }) => deleted)
  }
}

export const makeClient = <P extends Program.Any>(
  program: P,
  { baseUrl, token }: { readonly baseUrl: string; readonly token?: string | undefined }
): Effect.Effect<ProgramClient<P>, never, HttpClient.HttpClient> =>
  Effect.map(connectTo({ baseUrl, token }), ({ jobs: calls, programs: served }): ProgramClient<P> => {
    const compiled = compiledOf(program)
    const versionOf = Effect.map(
      served.list(),
      ({ programs }) => programs.find(({ name }) => name === compiled.name)?.version
    )
    const jobById = (id: string) => jobOf<P>(calls, compiled, versionOf, id)
    return {
      run: (input, options = {}) =>
        Effect.flatMap(bodyOf(compiled, input, options), (payload) =>
          Effect.flatMap(calls.start({ headers: {}, query: {}, payload }), (answer) =>
            "status" in answer
              ? Effect.andThen(refuseOther(compiled, versionOf, answer), resultOf<P>(compiled, answer))
              : jobById(answer.body.jobId).result
          )
        ),
      start: (input, options = {}) =>
        Effect.flatMap(bodyOf(compiled, input, options), (payload) =>
          Effect.map(
            Effect.catchIf(
              calls.start({ headers: { prefer: "respond-async" }, query: {}, payload }),
              (error): error is JobProblem => isJobProblem(error),
              ({ jobId }) => Effect.succeed({ jobId })
            ),
            (answer) => jobById("body" in answer ? answer.body.jobId : answer.jobId)
          )
        ),
      job: jobById,
      jobs: (query) => calls.list({ query: listQuery(compiled.name, query ?? {}) }),
      approvals: pagesOf((cursor) => calls.openApprovals({ query: { program: compiled.name, ...cursorOf(cursor) } })),
      approvalPage: (query) => calls.openApprovals({ query: { ...query, program: compiled.name } })
    }
  })
