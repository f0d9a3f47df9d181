// A person, at a glance.
import { initials } from '../words'

/** Somebody's initials; their name stands beside it. @param {{of: {id: number, name: string}}} props */
export const Avatar = ({ of }) => (
  <span className="avatar lg" data-h={of.id % 6} aria-hidden="true">
    {initials(of.name)}
  </span>
)
