import { receiptKeyOf } from '../../relay/receipt-signature';
import { json } from './answers';
import type { Route } from './context';

/** `GET /api/receipt-key`: what receipts are verified with. Who keeps a copy of it need not trust this answer later. */
export const receiptKeyRoute: Route = {
  name: 'show-receipt-key',
  method: 'GET',
  route: 'receipt-key',
  handle: async ({ app }) => json(200, receiptKeyOf(app.signingKey)),
};
