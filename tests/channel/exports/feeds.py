"""The sample feeds, with every form of text and every trap but those that are refused."""

ATOM = """\
<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
 <title>The Evening Post</title>
 <id>urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6</id>
 <updated>2024-03-03T12:00:00Z</updated>
 <entry>
  <id>urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a</id>
  <title>Plain &amp; simple</title>
  <link href="https://example.org/2024/plain"/>
  <author><name>Maryam R.</name><email>maryam@example.org</email></author>
  <published>2024-03-01T10:00:00+03:30</published>
  <updated>2024-03-02T10:00:00+03:30</updated>
  <category term="economy"/><category term="bread" label="Bread prices"/>
  <content>Two &lt;b&gt;signs&lt;/b&gt; of plain text.</content>
 </entry>
 <entry>
  <id>tag:example.org,2024:2</id>
  <title type="html">An &lt;em&gt;HTML&lt;/em&gt; one</title>
  <link rel="alternate" href="https://example.org/2024/html"/>
  <link rel="enclosure" type="audio/mpeg" href="https://example.org/2024/talk.mp3"/>
  <updated>2024-03-02T00:00:00Z</updated>
  <content type="html">&lt;h2&gt;Head&lt;/h2&gt;&lt;p&gt;A &lt;b&gt;bold &lt;i&gt;and&lt;/i&gt;&lt;/b&gt; word,
   &lt;a href="../more"&gt;more&lt;/a&gt;, &lt;a href="javascript:alert(1)"&gt;trap&lt;/a&gt;.&lt;/p&gt;
   &lt;script&gt;alert(1)&lt;/script&gt;&lt;img src="https://example.org/pixel" onerror="alert(1)"&gt;
   &lt;ul&gt;&lt;li&gt;one&lt;li&gt;two&lt;/ul&gt;&lt;pre&gt;  x =  1
  y&lt;/pre&gt;</content>
 </entry>
 <entry>
  <id>tag:example.org,2024:3</id>
  <title>XHTML</title>
  <link href="https://example.org/2024/xhtml"/>
  <published>2024-03-03T00:00:00Z</published><updated>2024-03-03T00:00:00Z</updated>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One <strong>word</strong>.</p>
   <blockquote>Said somebody</blockquote></div></content>
 </entry>
</feed>
"""
RSS = """\
<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
 <title>Old Weblog</title><link>https://example.org/</link><description>About this and that</description>
 <image><title>A logo</title><url>https://example.org/logo.png</url></image>
 <item>
  <title>First &amp;amp; foremost</title>
  <link>https://example.org/1</link>
  <guid isPermaLink="true">https://example.org/1</guid>
  <pubDate>Fri, 01 Mar 2024 09:00:00 +0330</pubDate>
  <author>desk@example.org (Zahra)</author>
  <category>Economy</category>
  <description>Only a &lt;b&gt;summary&lt;/b&gt;</description>
  <content:encoded><![CDATA[<p>The <b>whole</b> text&nbsp;– all of it.</p>]]></content:encoded>
  <enclosure url="https://example.org/1.mp3" length="1" type="audio/mpeg"/>
 </item>
 <item>
  <description>Без заголовка</description>
  <link>https://example.org/2</link>
  <dc:creator>Алексей</dc:creator>
  <pubDate>Sat, 02 Mar 2024 00:00:00 GMT</pubDate>
 </item>
</channel></rss>
"""
