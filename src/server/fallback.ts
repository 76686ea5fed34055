/**
 * The answer to a request without a route: 404, or 405 if its path has a route with another method.
 *
 * Boundary: knows the patterns of the API's paths, and no handler.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Api } from "./api.ts"
import { noKnownRoute, problemResponse, unknownRoute } from "./guard.ts"
import { noteAtOnce } from "./metrics.ts"
import { isSpelledAs, pathOf } from "./paths.ts"
import * as Problems from "./problems.ts"

interface Known {
  readonly path: string
  readonly method: string
}

/** Every route. */
const known: ReadonlyArray<Known> = (() => {
  const routes: Array<Known> = []
  const add = (method: string, path: string): void => void routes.push({ method, path })
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint }) => add(endpoint.method, endpoint.path)
  })
  add("GET", "/docs")
  add("GET", "/inspector")
  add("GET", "/openapi.json")
  return routes
})()

/** The pattern of the route that takes a path; undefined if none does. */
export const routeOf = (path: string): string | undefined => known.find((route) => isSpelledAs(route.path, path))?.path

/** The answer to a request that no route takes. `prefix`: the path before the API. */
export const noRoute = (request: HttpServerRequest, prefix: string): HttpServerResponse.HttpServerResponse => {
  const path = pathOf(request.originalUrl)
  const below = path.startsWith(prefix) ? path.slice(prefix.length) : path
  const here = known.filter((route) => isSpelledAs(route.path, below))
  const methods = here.map(({ method }) => method)
  if (methods.length === 0 || methods.includes(request.method)) return unknownRoute(request)
  noteAtOnce(here[0]?.path ?? noKnownRoute, request.method, 405)
  const allow = [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))]
  return problemResponse(new Problems.MethodNotAllowed({ allow, detail: `allowed: ${allow.join(", ")}` }), request)
}
