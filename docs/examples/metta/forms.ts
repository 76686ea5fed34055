/** The operations that decide for themselves which of their arguments are evaluated. */
import { assertions } from "./assertions.ts"
import { type Expression, type Sym, symbol } from "./atoms.ts"
import { controlForms } from "./control.ts"
import { listForms } from "./listForms.ts"
import type { Machine } from "./machine.ts"
import { spaceForms } from "./spaceForms.ts"

/** Begins the evaluation of an expression whose head is the form. */
export type Form = (machine: Machine, atom: Expression) => void

export const forms: ReadonlyMap<Sym, Form> = new Map(
  Object.entries({ ...controlForms, ...listForms, ...spaceForms, ...assertions }).map(([name, form]) => [
    symbol(name),
    form
  ])
)
