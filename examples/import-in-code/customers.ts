export interface Customer {
  readonly id: number;
  readonly email: string;
  readonly country?: string;
}

/** What the shop delivered yesterday, and today with a new column. */
export const columnsOfYesterday = ["id", "email"];

export function readCustomers(): readonly Customer[] {
  return Array.from({ length: 200 }, (_, index) => ({
    id: index + 1,
    email: index % 40 === 0 ? "unknown" : `customer${index + 1}@example.com`,
    country: "FR",
  }));
}

export function hasAddress({ email }: Customer): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(email);
}
