/** Names the tenant of a request: the server's own tokens, one for each tenant, as a middleware of its own routes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { createHash } from "node:crypto"

/** The tenant of a request. Routes that need it do not compile without the middleware. */
export class Tenant extends Context.Service<Tenant, { readonly name: string }>()("shop/Tenant") {}

// Hashes are compared and not tokens, so the time that it takes tells nothing of a token.
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex")

/** Tenants by the hash of their token, from a text such as `acme=token1,globex=token2`. A name is a part of ids of jobs. */
const tenantsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(",").map((entry) => {
      const [name = "", token = ""] = entry.split("=")
      if (!/^[a-z0-9-]+$/.test(name) || token.length < 8)
        throw new Error(`TENANTS: "${name}=..." is not a name of a-z, 0-9 and -, and a token of 8 characters or more`)
      return [hashOf(token), name]
    })
  )

/** Lets requests pass that carry the token of a tenant, and tells the routes which it is. */
export const authenticated = (tenants: string) => {
  const byHash = tenantsOf(tenants)
  return HttpRouter.middleware<{ provides: Tenant }>()((route) =>
    Effect.gen(function* () {
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      const token = /^Bearer (\S+)$/.exec(headers["authorization"] ?? "")?.[1] ?? ""
      const name = byHash.get(hashOf(token))
      if (name === undefined) return HttpServerResponse.text("who are you?", { status: 401 })
      return yield* route.pipe(Effect.provideService(Tenant, { name }), Effect.annotateLogs("tenant", name))
    })
  ).layer
}
