import { auth0 } from '../../lib/auth0';

export default auth0.withPageAuthRequired(
  async function Protected() {
    const { user } = await auth0.getSession();
    return <p id="protected">{user.email ?? user.name}</p>;
  },
  { returnTo: '/protected' },
);
