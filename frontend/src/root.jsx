// What every view knows: who is here, and where.
import { useRouteLoaderData } from 'react-router'

/** @returns {{me: import('./api').Me | null, site: import('./api').Site}} */
export const useRoot = () => /** @type {any} */ (useRouteLoaderData('root'))
