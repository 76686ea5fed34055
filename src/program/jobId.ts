/**
 * The ids that a job can be given: the same in a program, on the command line and over HTTP.
 *
 * An id stands in the path of a URL, also behind a proxy that decodes paths and merges their slashes. So it has no character
 * that means something there, and is no step of a path (`.`, `..`). It has no lone surrogates: UTF-8 maps them all to the same
 * bytes. The engine itself makes the ids of child jobs, with slashes, so that no id that was given is that of a child.
 *
 * Boundary: pure functions of a text.
 */
import { Limits } from "../Limits.ts"

const odd = "\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff/\\\\%;?#"
const other = `[^${odd}]`
const first = `[^.${odd}]`
const most = Limits.jobIdLength

/** Matches the ids that a job can be given. It looks nowhere ahead, so that other languages can use it, too. */
export const jobIdPattern = new RegExp(
  `^(?:${first}${other}{0,${most - 1}}|\\.${first}${other}{0,${most - 2}}|\\.\\.${other}{1,${most - 2}})$`,
  "u"
)

/** The rule of the pattern in words. */
export const jobIdRule = `at most ${most} characters, no control characters and none of / \\ % ; ? #, not empty, and not . or ..`

/** Why a job cannot be given an id; undefined if it can. */
export const refusalOfJobId = (id: unknown): string | undefined => {
  if (typeof id !== "string" || id === "") return "a job's id must be a string that is not empty"
  if (!id.isWellFormed()) return "a job's id must be well-formed Unicode"
  return jobIdPattern.test(id)
    ? undefined
    : `a job's id must be at most ${most} characters long, have no control characters and none of / \\ % ; ? #, and not be . or ..`
}
