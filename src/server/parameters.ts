/**
 * The parameters that a route has in its query. A request with another one is refused, as a body with an unknown field is: a
 * misspelled filter would otherwise list everything.
 *
 * Boundary: the definition of a route and a URL in, a problem out.
 */
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { Limits } from "../Limits.ts"
import { cut } from "./decoding.ts"
import * as Problems from "./problems.ts"

/** The part of a route that is read here. */
interface Route {
  readonly path: string
  readonly query: Schema.Top | undefined
}

/** The beginning of the paths of jobs. Routes for monitors are elsewhere. */
const root = "/api/"

/** The names of the parameters that a route has. */
export const parametersOf = ({ query }: Pick<Route, "query">): ReadonlyArray<string> =>
  query !== undefined && SchemaAST.isObjects(query.ast)
    ? query.ast.propertySignatures.map(({ name }) => String(name))
    : []

/** Whether a parameter takes several values. */
const isList = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isArrays(ast) || (SchemaAST.isUnion(ast) && ast.types.some(isList))

/** The problem of a query that gives a parameter twice, of which the route takes one value. Undefined if it gives none. */
export const repeatedParameter = ({ path, query }: Route, url: string): Problems.InvalidRequest | undefined => {
  const start = url.indexOf("?")
  if (start === -1 || !path.startsWith(root) || query === undefined || !SchemaAST.isObjects(query.ast)) return undefined
  const given = new URLSearchParams(url.slice(start + 1))
  for (const { name, type } of query.ast.propertySignatures) {
    if (isList(type) || given.getAll(String(name)).length < 2) continue
    const message = "it is given more than once, and takes one value"
    const errors = [{ path: ["query", String(name)], message }]
    return new Problems.InvalidRequest({ detail: `query.${String(name)}: ${message}`, errors })
  }
  return undefined
}

/** The problem of a query with a parameter that the route does not have. Undefined if it has none. */
export const unknownParameter = (route: Route, url: string): Problems.InvalidRequest | undefined => {
  const start = url.indexOf("?")
  // Monitors and probes add parameters of their own.
  if (start === -1 || !route.path.startsWith(root)) return undefined
  const known = parametersOf(route)
  const asked = new Set(new URLSearchParams(url.slice(start + 1)).keys())
  const unknown = [...asked].filter((name) => !known.includes(name)).slice(0, Limits.serverToldIssues)
  if (unknown.length === 0) return undefined
  const message =
    known.length === 0
      ? "there is no such parameter: this route has none"
      : `there is no such parameter: there are ${known.join(", ")}`
  const errors = unknown.map((name) => ({ path: ["query", cut(name, Limits.serverToldKey)], message }))
  return new Problems.InvalidRequest({ detail: `${errors[0]?.path.join(".") ?? "query"}: ${message}`, errors })
}
