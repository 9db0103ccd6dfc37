@permit-write @ahead
Feature: Accounts
  What every application server makes of a new account: its tokens, its password's hash, where it
  is kept. Each account is removed again at once.

  Background:
    When an account is made on every application server, and somebody signs in to it

  @ENV-12 @ENV-14
  Scenario: An access token expires after 30 minutes, and is signed with the file's secret
    Then the access token is signed by HS256 with JWT_SECRET of that server's file
    And it expires 1800 seconds after it was issued

  @ENV-13 @ENV-15
  Scenario: A refresh token expires after 7 days, and is signed with a secret of its own
    Then the refresh token is signed by HS256 with JWT_REFRESH_SECRET of that server's file
    And it expires 604800 seconds after it was issued

  @ENV-12 @ENV-14
  Scenario: Only a valid access token signs in
    Then where one must be signed in, tokens are answered
      | as issued                        | 200 |
      | made with the secret of the file | 200 |
      | expired a minute ago             | 401 |
      | signed with another secret       | 401 |
      | not signed                       | 401 |
      | the refresh token                | 401 |

  @ENV-13 @ENV-15
  Scenario: Only a valid refresh token renews a session
    Then where a session is renewed, tokens are answered
      | as issued                  | 200 |
      | expired a minute ago       | 401 |
      | signed with another secret | 401 |
      | not signed                 | 401 |
      | the access token           | 401 |

  @ENV-05 @ENV-06
  Scenario: The account is in the documented database
    Then MongoDB has it in the database "dashboard-velo" and in no other

  @ENV-22
  Scenario: The password is hashed at the documented cost
    Then MongoDB has of its password a hash that begins with "$2b$12$"
