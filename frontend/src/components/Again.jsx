// The way on from what is closed.
import { Link } from './Link'

/** @param {{title: string}} props */
export const Again = ({ title }) => (
  <Link className="btn" to={`/report?title=${encodeURIComponent(title)}`}>
    Report it again
  </Link>
)
