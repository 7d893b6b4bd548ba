/** The shop's `dataLayer`, in the form that GA4 reads: whoever listens gets the events, nothing here sends them anywhere. */

declare global {
  interface Window {
    dataLayer?: unknown[];
  }
}

export interface Product {
  id: string;
  name: string;
  price: number;
  currency: string;
  category: string;
  quantity?: number;
}

/** Tells that something was done with products. */
export function tell(event: string, products: Product[]): void {
  const items = products.map(({ id, name, price, category, quantity = 1 }) => ({
    item_id: id,
    item_name: name,
    item_category: category,
    price,
    quantity,
  }));
  const value = products.reduce((sum, { price, quantity = 1 }) => sum + price * quantity, 0);
  (window.dataLayer ??= []).push({ event, ecommerce: { currency: products[0]?.currency, value, items } });
}
