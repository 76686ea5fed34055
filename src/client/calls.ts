/**
 * The calls of Effect's HTTP client for the API of a server, and the errors that they fail with.
 *
 * Boundary: types.
 */
import type * as Effect from "effect/Effect"
import type * as HttpApiClient from "effect/http-api/HttpApiClient"
import type { Api } from "../server/api.ts"
import type { jobProblems } from "../server/problemLists.ts"

/** The calls about jobs. */
export type Calls = HttpApiClient.ForApi<typeof Api>["jobs"]

/** The problem of a job that ended without converging. It has the partial result. */
export type JobProblem = InstanceType<(typeof jobProblems)[number]>

type ErrorOf<Name extends keyof Calls> =
  ReturnType<Calls[Name]> extends Effect.Effect<unknown, infer E, infer _R> ? E : never

/** The reasons for which a server does not start a job, and the errors of the way to it. */
export type StartError = Exclude<ErrorOf<"start">, JobProblem>

/** The reasons for which a server does not do what a job is asked, and the errors of the way to it. */
export type SteerError = Exclude<ErrorOf<"signal" | "events" | "telemetry" | "openApprovals" | "get">, JobProblem>

/** The reasons for which a server does not delete a job, and the errors of the way to it. */
export type DeleteError = ErrorOf<"delete">

/** The reasons for which a server does not list jobs, and the errors of the way to it. */
export type ListError = ErrorOf<"list">
