Feature: The file of environment variables
  /var/www/dashboard-velo-api/.env on every application server, read as the application reads it.

  Rule: It has the documented values

    @CHK-04 @ENV-01 @ENV-02 @ENV-03 @ENV-04
    Scenario: Server
      Then the file has
        | NODE_ENV    | production                                                     |
        | PORT        | 3000                                                           |
        | API_VERSION | v1                                                             |
        | CORS_ORIGIN | https://dashboard-velo.com,https://www.dashboard-velo.com      |

    @ENV-05 @ENV-06
    Scenario: MongoDB
      Then the file has
        | MONGO_DB_NAME | dashboard-velo |
      And it sets, with more than a placeholder
        | MONGO_URI |
      And MONGO_URI asks for TLS, and has each of these options once
        | retryWrites | true     |
        | w           | majority |

    @ENV-07 @ENV-08 @ENV-09 @ENV-10 @ENV-11
    Scenario: Redis
      Then the file has
        | REDIS_PORT   | 6379 |
        | REDIS_DB     | 0    |
        | REDIS_PREFIX | dv:  |
      And it sets, with more than a placeholder
        | REDIS_HOST     |
        | REDIS_PASSWORD |

    @ENV-12 @ENV-13 @ENV-14 @ENV-15
    Scenario: JSON Web Tokens
      Then the file has
        | JWT_EXPIRATION         | 30m |
        | JWT_REFRESH_EXPIRATION | 7d  |
      And it sets, with more than a placeholder
        | JWT_SECRET         |
        | JWT_REFRESH_SECRET |

    @ENV-16 @ENV-17
    Scenario: OpenAI
      Then it sets, with more than a placeholder
        | OPENAI_API_KEY         |
        | OPENAI_ORGANIZATION_ID |

    @ENV-18 @ENV-19
    Scenario: Logging
      Then the file has
        | LOG_LEVEL  | info |
        | LOG_FORMAT | json |

    @ENV-20 @ENV-21 @ENV-22
    Scenario: Security
      Then the file has
        | RATE_LIMIT_WINDOW  | 15  |
        | RATE_LIMIT_MAX     | 100 |
        | BCRYPT_SALT_ROUNDS | 12  |

    @ENV-23 @ENV-24 @ENV-25 @ENV-26
    Scenario: External services
      Then it sets, with more than a placeholder
        | STRAVA_CLIENT_ID       |
        | STRAVA_CLIENT_SECRET   |
        | MAPBOX_ACCESS_TOKEN    |
        | OPENWEATHERMAP_API_KEY |

  Rule: It is what runs

    @ENV-07 @ENV-16 @ENV-17 @ENV-23 @ENV-24 @ENV-25 @ENV-26
    Scenario: The workers have read the file as it is
      Then no worker was started before its file was last changed
      And nothing that a worker was given otherwise differs from the file

    @ENV-12 @ENV-13
    Scenario: Every application server has the same values
      Then the servers' files differ in nothing but
        | HOST      |
        | MONGO_URI |

  Rule: Nobody else reads it

    @ENV-27
    Scenario: Only the workers' user can read the file
      Then the file has at most the permissions 600
      And it belongs to the user of the workers

  Rule: What an expert would ask beyond the document

    @advisory
    Scenario: A shell that sources the file reads the same values
      Then a shell reads of each line what the application reads
