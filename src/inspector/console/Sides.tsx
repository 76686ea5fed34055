/** Both sides of a conflict, with the agents that proposed them. */
import type { ErrorJson } from "./api.ts"
import { Said } from "./Said.tsx"
import { Value } from "./ValueView.tsx"

/** Nothing for an error of another kind. */
export const Sides = ({ error }: { readonly error: ErrorJson }) => {
  const { agents, existing, proposed } = error
  if (error._tag !== "MergeConflict") return null
  const nameOf = (index: number): string => {
    const name: unknown = Array.isArray(agents) ? agents[index] : ""
    if (name === "seed" || name === "signal") return `a ${name}`
    return typeof name === "string" && name !== "" ? name : "a seed or a signal"
  }
  return (
    <ol class="values" tabIndex={0} aria-label="both sides">
      {[existing, proposed].map((value, index) => (
        <li key={index}>
          <small>
            {index === 0 ? "there, from " : "proposed by "}
            <Said text={nameOf(index)} limit={60} />
          </small>
          <Value value={value} />
        </li>
      ))}
    </ol>
  )
}
