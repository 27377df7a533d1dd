'use client';

import { useUser } from '@auth0/nextjs-auth0';

export default function Profile() {
  const { user, isLoading, error } = useUser();
  if (isLoading) return <p>…</p>;
  return <pre id="profile">{JSON.stringify(error ? { error: error.message } : (user ?? null))}</pre>;
}
