Feature: Compression
  What a client that accepts gzip is sent.

  Rule: Files of the site

    @NGX-18
    Scenario Outline: <path> is compressed
      Then "<path>" is sent compressed, and unpacked it is what others are sent

      Examples:
        | path                         |
        | /api/docs/                   |
        | /api/docs/openapi.json       |
        | /api/docs/swagger-ui.css     |
        | /app.css                     |
        | /app.js                      |

    @NGX-24
    Scenario Outline: <path> is an image, and is not compressed
      Then "<path>" is not sent compressed

      Examples:
        | path         |
        | /avatar.png  |
        | /favicon.ico |

    @NGX-19
    Scenario Outline: Caches are told that <path> varies with what a client accepts
      Then "<path>" has Vary: Accept-Encoding, compressed or not

      Examples:
        | path                     |
        | /api/docs/openapi.json   |
        | /api/docs/swagger-ui.css |

    @NGX-20
    Scenario: A client behind a proxy is sent compressed bodies too
      Then "/api/docs/openapi.json" is sent compressed to a client with "Via: 1.1 proxy.example"

    @NGX-23
    Scenario: An HTTP/1.0 client is not sent compressed bodies
      Then "/api/docs/openapi.json" is not sent compressed to an HTTP/1.0 client

    @NGX-21 @only-replica @only-compose
    Scenario: Bodies are compressed at level 6
      Then "/api/docs/swagger-ui.css" is compressed as zlib does at level 6

  Rule: Media types

    @NGX-24 @only-replica @only-compose
    Scenario: Each documented type is compressed
      Then a body of each of these types is sent compressed
        | text/html              |
        | text/plain             |
        | text/css               |
        | application/json       |
        | application/javascript |
        | text/xml               |
        | application/xml        |
        | application/xml+rss    |
        | text/javascript        |

    @NGX-24 @only-replica @only-compose
    Scenario: No other type is compressed
      Then a body of none of these types is sent compressed
        | image/png                |
        | image/jpeg               |
        | image/gif                |
        | image/x-icon             |
        | image/svg+xml            |
        | font/woff2               |
        | application/octet-stream |
        | application/zip          |
        | application/ld+json      |
        | text/csv                 |

    @NGX-24
    Scenario: nginx has loaded the documented types and no other
      Then nginx has loaded exactly these gzip_types, wherever it answers
        | text/plain             |
        | text/css               |
        | application/json       |
        | application/javascript |
        | text/xml               |
        | application/xml        |
        | application/xml+rss    |
        | text/javascript        |

  Rule: What does not show from outside, or not through a CDN

    @NGX-21
    Scenario: nginx has loaded level 6
      Then nginx has loaded these, wherever it answers
        | gzip_comp_level | 6 |

    @NGX-22
    Scenario: 16 buffers of 8k
      Then nginx has loaded these, wherever it answers
        | gzip_buffers | 16 8k |
