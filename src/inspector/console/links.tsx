/** Links to facts and cycles within the job. */
import type { FactRef } from "./api.ts"
import { Said } from "./parts.tsx"
import { factQuery, hrefOf, route } from "./route.ts"

/** A link to a fact. The address names it by kind and id, so it can be kept. */
export const FactLink = ({ fact: { id, kind } }: { readonly fact: FactRef }) => {
  const { value } = route
  if (value.page !== "job") return <Said text={`${kind}/${id}`} />
  return (
    <a
      class="fact"
      href={hrefOf({
        ...value,
        view: "facts",
        query: { ...value.query, from: "", with: "", ...factQuery({ kind, id }) }
      })}
    >
      <b>
        <Said text={kind} limit={60} />
      </b>
      /<Said text={id} limit={120} />
    </a>
  )
}

export const CycleLink = ({ cycle }: { readonly cycle: number }) => {
  const { value } = route
  return (
    <a class="cycle" href={hrefOf({ ...value, query: { ...value.query, at: String(cycle) } })}>
      cycle {cycle}
    </a>
  )
}
