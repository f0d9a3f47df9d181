// An address that there is not.
import { Problem } from '../api'

export function loader() {
  throw new Problem(404, { title: 'Not found' })
}

export const Component = () => null
